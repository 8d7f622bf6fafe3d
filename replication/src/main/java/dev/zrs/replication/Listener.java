package dev.zrs.replication;

import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Where secondaries connect to. One thread accepts, any may close. */
interface Listener extends Closeable {
  /** Connections that the system accepts for us while we are busy with others. */
  int BACKLOG = 512;

  /** The part of a file's mode that says what it is, as in stat(2), and the value for a socket. */
  int FILE_KIND = 0xf000;

  int SOCKET = 0xc000;

  /** Waits for the next connection. */
  Link accept() throws IOException;

  /** The address, with the port that was chosen. */
  SocketAddress address();

  /**
   * Listens.
   *
   * @throws ReplicationException if it can't; names the address
   */
  static Listener open(SocketAddress address) {
    try {
      return address instanceof UnixDomainSocketAddress unix ? openUnix(unix) : openTcp(address);
    } catch (IOException e) {
      throw new ReplicationException(
          "can't listen for secondaries at %s: %s".formatted(text(address), e.getMessage()), e);
    }
  }

  private static Listener openTcp(SocketAddress address) throws IOException {
    if (address instanceof InetSocketAddress inet && inet.isUnresolved()) {
      throw new IOException("the host name is unknown");
    }
    ServerSocket socket = new ServerSocket();
    try {
      socket.setReuseAddress(true);
      socket.bind(address, BACKLOG);
      return new TcpListener(socket);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static Listener openUnix(UnixDomainSocketAddress address) throws IOException {
    removeStale(address);
    ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.bind(address, BACKLOG);
      return new UnixListener(channel, address);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * A server that was killed leaves its socket file, to which nobody answers. To connect to any
   * other kind of file is refused just so; such a file is somebody's data.
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
    try (SocketChannel channel = SocketChannel.open(address)) {
      throw new IOException("address already in use by " + channel.getRemoteAddress());
    } catch (ConnectException e) {
      Files.delete(path);
    }
  }

  /** An address as people write it. */
  static String text(SocketAddress address) {
    if (address instanceof InetSocketAddress inet) {
      InetAddress resolved = inet.getAddress();
      String host = resolved == null ? inet.getHostString() : resolved.getHostAddress();
      return (host.contains(":") ? "[" + host + "]" : host) + ":" + inet.getPort();
    }
    return address instanceof UnixDomainSocketAddress unix
        ? "unix:" + unix.getPath()
        : address.toString();
  }

  /** Over TCP. */
  record TcpListener(ServerSocket socket) implements Listener {
    @Override
    public Link accept() throws IOException {
      while (true) {
        Socket accepted = socket.accept();
        try {
          return Link.TcpLink.of(accepted);
        } catch (IOException gone) {
          // On some systems a connection that was reset meanwhile takes no options. That is no
          // reason to keep the next one waiting.
          accepted.close();
        }
      }
    }

    @Override
    public SocketAddress address() {
      return socket.getLocalSocketAddress();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** Over a unix socket; removes its file when closed. */
  record UnixListener(ServerSocketChannel channel, UnixDomainSocketAddress address)
      implements Listener {
    @Override
    public Link accept() throws IOException {
      return new Link.UnixLink(channel.accept(), text(address));
    }

    @Override
    public void close() throws IOException {
      channel.close();
      Files.deleteIfExists(address.getPath());
    }
  }
}
