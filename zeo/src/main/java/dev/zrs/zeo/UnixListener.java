package dev.zrs.zeo;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Connections over a unix socket. */
final class UnixListener implements ByteListener {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");

  /** NIO copies through a direct buffer of this size, which each writing thread keeps. */
  private static final int MAX_WRITE = 64 << 10;

  /** The part of a file's mode that says what it is, as in stat(2), and the value for a socket. */
  private static final int FILE_KIND = 0xf000;

  private static final int SOCKET = 0xc000;

  private final UnixDomainSocketAddress address;
  private final ServerSocketChannel channel;
  private final AtomicLong accepted = new AtomicLong();

  UnixListener(UnixDomainSocketAddress address) throws IOException {
    this.address = address;
    removeStale(address);
    channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.bind(address, BACKLOG);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * A socket whose server was killed stays behind, and to connect to it is refused. To any other
   * kind of file it is refused just so, and that file is somebody's data.
   */
  private static void removeStale(UnixDomainSocketAddress address) throws IOException {
    Path path = address.getPath();
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    if (!(mode instanceof Integer bits && (bits & FILE_KIND) == SOCKET)) {
      throw new IOException("there is a file of this name, which is no socket");
    }
    try (SocketChannel probe = SocketChannel.open(address)) {
      throw new BindException("Address already in use by " + probe.getRemoteAddress());
    } catch (ConnectException e) {
      LOG.info("removing the stale socket {}: {}", path, e.getMessage());
      Files.delete(path);
    }
  }

  @Override
  public ByteConnection accept() throws IOException {
    return new Connection(channel.accept(), address + "#" + accepted.incrementAndGet());
  }

  @Override
  public SocketAddress address() {
    return address;
  }

  @Override
  public void close() {
    try {
      if (channel.isOpen()) {
        channel.close();
        Files.deleteIfExists(address.getPath());
      }
    } catch (IOException e) {
      LOG.warn("removing the socket {}: {}", address, e.toString());
    }
  }

  private record Connection(SocketChannel channel, String peer) implements ByteConnection {
    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      return channel.read(ByteBuffer.wrap(buffer, offset, Math.min(length, MAX_WRITE)));
    }

    @Override
    public void write(byte[] buffer, int offset, int length) throws IOException {
      int end = offset + length;
      for (int at = offset; at < end; ) {
        at += channel.write(ByteBuffer.wrap(buffer, at, Math.min(end - at, MAX_WRITE)));
      }
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        LOG.debug("closing a connection: {}", e.toString());
      }
    }
  }
}
