package dev.zrs.zeo;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Connections over TCP. */
final class TcpListener implements ByteListener {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");

  private final ServerSocket socket;

  TcpListener(SocketAddress address) throws IOException {
    if (address instanceof InetSocketAddress inet && inet.isUnresolved()) {
      throw new UnknownHostException("the host name is unknown");
    }
    socket = new ServerSocket();
    try {
      socket.setReuseAddress(true);
      socket.bind(address, BACKLOG);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  @Override
  public ByteConnection accept() throws IOException {
    Socket accepted = socket.accept();
    try {
      return new Connection(accepted);
    } catch (IOException e) {
      accepted.close();
      throw e;
    }
  }

  @Override
  public SocketAddress address() {
    return Objects.requireNonNull(socket.getLocalSocketAddress());
  }

  @Override
  public void close() {
    closeQuietly(socket, "listener");
  }

  private static void closeQuietly(AutoCloseable socket, String what) {
    try {
      socket.close();
    } catch (Exception e) {
      // The socket is gone either way, and the caller can do nothing about it.
      LOG.debug("closing a {}: {}", what, e.toString());
    }
  }

  private static final class Connection implements ByteConnection {
    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final String peer;

    Connection(Socket socket) throws IOException {
      this.socket = socket;
      // Messages are batched already; waiting for more only delays the last reply.
      socket.setTcpNoDelay(true);
      // A client whose machine went away holds memory, and perhaps the commit lock.
      socket.setKeepAlive(true);
      in = socket.getInputStream();
      out = socket.getOutputStream();
      peer = Addresses.text(socket.getRemoteSocketAddress());
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      return in.read(buffer, offset, length);
    }

    @Override
    public void write(byte[] buffer, int offset, int length) throws IOException {
      out.write(buffer, offset, length);
    }

    @Override
    public String peer() {
      return peer;
    }

    @Override
    public void close() {
      closeQuietly(socket, "connection");
    }
  }
}
