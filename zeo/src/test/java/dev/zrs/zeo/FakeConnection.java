package dev.zrs.zeo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A connection whose input is given and whose output can be held up. */
final class FakeConnection implements ByteConnection {
  private final byte[] input;
  private final int[] pieces;
  private final ByteArrayOutputStream output = new ByteArrayOutputStream();
  private final List<String> writers = new ArrayList<>();
  private int at;
  private int piece;
  private int writing;
  private boolean blocked;
  private boolean closed;

  /**
   * Gives the input in pieces of these sizes, again and again.
   *
   * @param input what the peer sends
   */
  FakeConnection(byte[] input, int... pieces) {
    this.input = input;
    this.pieces = pieces;
  }

  @Override
  public synchronized int read(byte[] buffer, int offset, int length) {
    if (at == input.length) {
      return -1;
    }
    int size = Math.min(Math.min(length, input.length - at), pieces[piece++ % pieces.length]);
    System.arraycopy(input, at, buffer, offset, size);
    at += size;
    return size;
  }

  @Override
  public synchronized void write(byte[] buffer, int offset, int length) throws IOException {
    writing++;
    writers.add(Thread.currentThread().getName());
    try {
      if (writing > 1) {
        throw new IllegalStateException("two threads write");
      }
      while (blocked && !closed) {
        wait();
      }
      if (closed) {
        throw new IOException("closed");
      }
      output.write(buffer, offset, length);
    } catch (InterruptedException e) {
      throw new IOException(e);
    } finally {
      writing--;
    }
  }

  synchronized void block(boolean value) {
    blocked = value;
    notifyAll();
  }

  synchronized boolean isWriting() {
    return writing > 0;
  }

  synchronized byte[] output() {
    return output.toByteArray();
  }

  /** How often something was written. */
  synchronized int writes() {
    return writers.size();
  }

  synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public String peer() {
    return "fake";
  }

  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
  }
}
