package dev.zrs.storage;

/**
 * A sliding view on a file for reading it from front to back with few large reads. For one thread.
 */
final class RecordWindow {
  /** Bytes that are read at once where much will be read. */
  static final int LARGE = 1 << 20;

  /** Bytes that are read at once where much will be read, by many at a time. */
  static final int MEDIUM = 128 << 10;

  /** Bytes that are read at once where many windows may be open. */
  static final int SMALL = 16 << 10;

  private final DataFile file;
  private byte[] buffer;
  private long start;
  private int length;

  RecordWindow(DataFile file, int size) {
    this.file = file;
    this.buffer = new byte[size];
  }

  /**
   * Makes {@code count} bytes from {@code position} on available, if the file has them.
   *
   * @param count not out of proportion; the window grows to it if need be
   * @return their offset in {@link #buffer}, or -1 if the file ends before
   */
  int require(long position, int count) {
    if (position < start || position + count > start + length) {
      if (count > buffer.length) {
        buffer = new byte[count];
      }
      start = position;
      length = file.readUpTo(position, buffer, 0, buffer.length);
    }
    return count <= length ? (int) (position - start) : -1;
  }

  /** The bytes; they change with the next {@link #require}. */
  byte[] buffer() {
    return buffer;
  }

  /** Forgets what was read, because the file may have changed since. */
  void clear() {
    length = 0;
  }

  /** Copies {@code count} bytes, of any number; false if the file ends before. */
  boolean copy(long position, byte[] target, int count) {
    if (count > buffer.length / 4) {
      return file.readUpTo(position, target, 0, count) == count;
    }
    int offset = require(position, count);
    if (offset < 0) {
      return false;
    }
    System.arraycopy(buffer, offset, target, 0, count);
    return true;
  }
}
