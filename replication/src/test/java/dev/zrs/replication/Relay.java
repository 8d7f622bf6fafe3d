package dev.zrs.replication;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** A network between a secondary and its upstream, which hurts what goes to the secondary. */
final class Relay implements AutoCloseable {
  /**
   * What happens to one connection.
   *
   * @param cutAfter bytes to the secondary after which it is cut
   * @param flipAt offset of a byte to the secondary that is changed; negative for none
   */
  record Harm(long cutAfter, long flipAt) {
    static final Harm NONE = new Harm(Long.MAX_VALUE, -1);
  }

  private final ServerSocket server;
  private final SocketAddress upstream;
  private final Supplier<Harm> harm;
  private final Set<Closeable> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger connections = new AtomicInteger();

  Relay(SocketAddress upstream, Supplier<Harm> harm) throws IOException {
    this.upstream = upstream;
    this.harm = harm;
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  InetSocketAddress address() {
    return (InetSocketAddress) Objects.requireNonNull(server.getLocalSocketAddress());
  }

  int connections() {
    return connections.get();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket secondary = server.accept();
        connections.incrementAndGet();
        open.add(secondary);
        Socket primary = new Socket();
        open.add(primary);
        primary.connect(upstream);
        Harm mine = harm.get();
        Thread.ofVirtual().start(() -> pump(primary, secondary, mine));
        Thread.ofVirtual().start(() -> pump(secondary, primary, Harm.NONE));
      } catch (IOException e) {
        if (!server.isClosed()) {
          throw new AssertionError("the relay failed", e);
        }
      }
    }
  }

  private static void pump(Socket from, Socket to, Harm harm) {
    byte[] buffer = new byte[16_384];
    long done = 0;
    try (from;
        to) {
      InputStream input = from.getInputStream();
      OutputStream output = to.getOutputStream();
      while (done < harm.cutAfter()) {
        int count = input.read(buffer, 0, (int) Math.min(buffer.length, harm.cutAfter() - done));
        if (count < 0) {
          return;
        }
        if (harm.flipAt() >= done && harm.flipAt() < done + count) {
          buffer[(int) (harm.flipAt() - done)] ^= 0x41;
        }
        output.write(buffer, 0, count);
        done += count;
      }
    } catch (IOException expected) {
      // One of the two sides has gone; the other is told by closing both.
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Closeable each : open) {
      each.close();
    }
  }
}
