package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * Something that a secondary takes for its primary: it sends one prepared stream after another, one
 * on each connection, and the last one on all further connections. It ends each but the last.
 */
final class ScriptedPrimary implements AutoCloseable {
  private final ServerSocket server;
  private final List<byte[]> streams;
  private final long pauseMillis;
  private volatile int connections;

  ScriptedPrimary(byte[]... streams) throws IOException {
    this(0, streams);
  }

  /**
   * As the other one.
   *
   * @param pauseMillis between two bytes of the first stream; 0 for all at once
   */
  ScriptedPrimary(long pauseMillis, byte[]... streams) throws IOException {
    this.streams = List.of(streams);
    this.pauseMillis = pauseMillis;
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().name("scripted primary").start(this::serve);
  }

  SocketAddress address() {
    return Objects.requireNonNull(server.getLocalSocketAddress());
  }

  int connections() {
    return connections;
  }

  private void serve() {
    while (!server.isClosed()) {
      try (Socket socket = server.accept()) {
        int number = connections;
        connections = number + 1;
        boolean last = number >= streams.size() - 1;
        answer(socket, streams.get(Math.min(number, streams.size() - 1)), number == 0);
        if (!last) {
          socket.shutdownOutput();
        }
        socket.getInputStream().readAllBytes();
      } catch (IOException expected) {
        // The secondary, or the end of the test, has closed the connection.
      } catch (InterruptedException e) {
        throw new AssertionError("nobody interrupts a scripted primary", e);
      }
    }
  }

  private void answer(Socket socket, byte[] stream, boolean slowly)
      throws IOException, InterruptedException {
    byte[] greeting = socket.getInputStream().readNBytes(22);
    if (greeting.length == 22) {
      assertThat(new String(greeting, 4, 6, StandardCharsets.US_ASCII)).isEqualTo("zrs2.1");
    }
    OutputStream output = socket.getOutputStream();
    if (pauseMillis == 0 || !slowly) {
      output.write(stream);
      return;
    }
    socket.setTcpNoDelay(true);
    for (byte each : stream) {
      output.write(each);
      Thread.sleep(pauseMillis);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
