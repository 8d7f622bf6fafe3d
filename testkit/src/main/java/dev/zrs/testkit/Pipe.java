package dev.zrs.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One way of one connection: a thread takes in what comes, another one lets it go when it is time,
 * so that a latency costs no throughput. Any thread may call the rest.
 */
final class Pipe {
  private static final int PIECE = 16 << 10;

  /** Pieces that are on their way: a megabyte at most. */
  private static final int PIECES = 64;

  /** How soon a waiting piece sees that the network has changed. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private static final byte FLIPPED = 0x41;
  private static final long NEVER = Long.MAX_VALUE;

  /** Something on its way; nothing is the end. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Piece(byte[] bytes, long due) {}

  private final Socket from;
  private final Socket to;
  private final WayCondition condition;
  private final ProxiedConnection connection;
  private final BlockingQueue<Piece> onTheWay = new ArrayBlockingQueue<>(PIECES);
  private volatile long cutAt = NEVER;
  private volatile boolean cutByReset;
  private volatile long flipAt = NEVER;
  private volatile long passed;
  private volatile boolean shut;

  Pipe(Socket from, Socket to, WayCondition condition, ProxiedConnection connection) {
    this.from = from;
    this.to = to;
    this.condition = condition;
    this.connection = connection;
  }

  void start(String name) {
    Thread.ofVirtual().name(name + " in").start(() -> guarded(this::takeIn));
    Thread.ofVirtual().name(name + " out").start(() -> guarded(this::letOut));
  }

  /** Bytes that have passed. */
  long passed() {
    return passed;
  }

  /** Ends the connection when so many bytes have passed; those behind them are lost. */
  void cutAfter(long bytes, boolean byReset) {
    cutByReset = byReset;
    cutAt = bytes;
  }

  /** Changes the byte at this offset, if it has not passed yet. */
  void flipAt(long offset) {
    flipAt = offset;
  }

  /** The receiver is told that nothing more comes; what comes is lost. */
  void shut() throws IOException {
    shut = true;
    to.shutdownOutput();
  }

  void heal() {
    cutAt = NEVER;
    flipAt = NEVER;
  }

  /** What one part of a pipe does. */
  @FunctionalInterface
  private interface Part {
    void run() throws IOException, InterruptedException;
  }

  private void guarded(Part part) {
    try {
      part.run();
    } catch (IOException e) {
      // One of the two sides has gone, which the other one is told in the same way.
      connection.reset();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts a pipe", e);
    }
  }

  private void takeIn() throws IOException, InterruptedException {
    InputStream input = from.getInputStream();
    byte[] buffer = new byte[PIECE];
    int count;
    do {
      count = input.read(buffer);
      Piece piece = new Piece(Arrays.copyOf(buffer, Math.max(count, 0)), condition.dueNow());
      while (!onTheWay.offer(piece, PAUSE_NANOS, TimeUnit.NANOSECONDS)) {
        if (connection.isEnded()) {
          return;
        }
      }
    } while (count >= 0);
  }

  private void letOut() throws IOException, InterruptedException {
    OutputStream output = to.getOutputStream();
    while (!connection.isEnded()) {
      Piece piece = onTheWay.poll(PAUSE_NANOS, TimeUnit.NANOSECONDS);
      if (piece == null) {
        continue;
      }
      while (condition.waitFor(piece.due()) > 0) {
        if (connection.pause(Math.min(condition.waitFor(piece.due()), PAUSE_NANOS))) {
          return;
        }
      }
      if (piece.bytes().length == 0) {
        if (!shut) {
          to.shutdownOutput();
        }
        connection.endOfWay();
        return;
      }
      letOut(piece.bytes(), output);
    }
  }

  private void letOut(byte[] bytes, OutputStream output) throws IOException {
    int done = 0;
    while (done < bytes.length && !connection.isEnded()) {
      long rate = condition.bytesPerSecond();
      int count = bytes.length - done;
      if (rate > 0) {
        count = (int) Math.min(count, Math.max(1, rate / 50));
      }
      long before = passed;
      boolean cuts = cutAt - before <= count;
      if (cuts) {
        count = (int) Math.max(0, cutAt - before);
      }
      flip(bytes, done, count, before);
      if (!shut) {
        output.write(bytes, done, count);
      }
      done += count;
      passed = before + count;
      if (cuts) {
        connection.end(cutByReset);
      } else if (rate > 0) {
        connection.pause(TimeUnit.SECONDS.toNanos(count) / rate);
      }
    }
  }

  private void flip(byte[] bytes, int from, int count, long before) {
    long offset = flipAt - before;
    if (offset >= 0 && offset < count) {
      bytes[from + (int) offset] ^= FLIPPED;
      flipAt = NEVER;
    }
  }
}
