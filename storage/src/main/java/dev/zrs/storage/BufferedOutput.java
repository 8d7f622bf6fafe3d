package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Collects small pieces into large writes to consecutive positions of a file. For one thread. */
final class BufferedOutput {
  private final DiskFile file;
  private final String operation;
  private final byte[] buffer;
  private int used;
  private long start;

  /**
   * @param start where the first byte goes
   * @param operation what each write is called
   * @param size how many bytes to collect
   */
  BufferedOutput(DiskFile file, long start, String operation, int size) {
    this.file = file;
    this.start = start;
    this.operation = operation;
    this.buffer = new byte[size];
  }

  /** Where the next byte goes. */
  long position() {
    return start + used;
  }

  void put(byte[] bytes) throws IOException {
    put(bytes, 0, bytes.length);
  }

  void put(byte[] bytes, int offset, int length) throws IOException {
    int done = 0;
    while (done < length) {
      if (used == buffer.length) {
        flush();
      }
      int count = Math.min(length - done, buffer.length - used);
      System.arraycopy(bytes, offset + done, buffer, used, count);
      used += count;
      done += count;
    }
  }

  void putLong(long value) throws IOException {
    put(Bytes.ofLong(value));
  }

  /** Overwrites the eight bytes at a position that was passed. */
  void patchLong(long position, long value) throws IOException {
    if (position >= start) {
      Bytes.putLong(buffer, (int) (position - start), value);
    } else {
      flush();
      file.write(ByteBuffer.wrap(Bytes.ofLong(value)), position, operation);
    }
  }

  void flush() throws IOException {
    if (used > 0) {
      file.write(ByteBuffer.wrap(buffer, 0, used), start, operation);
      start += used;
      used = 0;
    }
  }
}
