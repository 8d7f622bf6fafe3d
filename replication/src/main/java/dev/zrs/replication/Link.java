package dev.zrs.replication;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import jdk.net.ExtendedSocketOptions;

/**
 * A connection between a primary and a secondary, over TCP or a unix socket. One thread reads, one
 * writes; any may close it, which ends the others' reads and writes.
 */
interface Link extends Closeable {
  /** Seconds of silence after which the system asks whether the peer is still there. */
  int KEEP_ALIVE_IDLE = 60;

  /** Seconds between two such questions. */
  int KEEP_ALIVE_INTERVAL = 15;

  /** Unanswered questions after which the connection is dead. */
  int KEEP_ALIVE_COUNT = 4;

  InputStream input() throws IOException;

  OutputStream output() throws IOException;

  /** This side, as the other one sees it; empty for a unix socket, whose clients have no name. */
  String local();

  /** Tells the other side that nothing more comes, after all that was written. */
  void endOutput() throws IOException;

  /** The other side, for messages. */
  String peer();

  /** Over TCP. */
  record TcpLink(Socket socket) implements Link {
    static TcpLink of(Socket socket) throws IOException {
      socket.setTcpNoDelay(true);
      socket.setKeepAlive(true);
      if (socket.supportedOptions().contains(ExtendedSocketOptions.TCP_KEEPIDLE)) {
        socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, KEEP_ALIVE_IDLE);
        socket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEP_ALIVE_INTERVAL);
        socket.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, KEEP_ALIVE_COUNT);
      }
      assert socket.getOption(StandardSocketOptions.SO_KEEPALIVE);
      return new TcpLink(socket);
    }

    @Override
    public InputStream input() throws IOException {
      return socket.getInputStream();
    }

    @Override
    public OutputStream output() throws IOException {
      return socket.getOutputStream();
    }

    @Override
    public String local() {
      return Listener.text(socket.getLocalSocketAddress());
    }

    @Override
    public void endOutput() throws IOException {
      socket.shutdownOutput();
    }

    @Override
    public String peer() {
      return Listener.text(socket.getRemoteSocketAddress());
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** Over a unix socket. */
  record UnixLink(SocketChannel channel, String peer) implements Link {
    @Override
    public String local() {
      return "";
    }

    @Override
    public InputStream input() {
      return Channels.newInputStream(channel);
    }

    @Override
    public OutputStream output() {
      return Channels.newOutputStream(channel);
    }

    @Override
    public void endOutput() throws IOException {
      channel.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
