package dev.zrs.storage;

/**
 * A sliding view on a file for reading it from front to back with few large reads. For one thread.
 */
final class RecordWindow {
  private static final int SIZE = 1 << 20;

  private final DataFile file;
  private final byte[] buffer = new byte[SIZE];
  private long start;
  private int length;

  RecordWindow(DataFile file) {
    this.file = file;
  }

  /**
   * Makes {@code count} bytes from {@code position} on available, if the file has them.
   *
   * @param count at most {@link #maximum}
   * @return their offset in {@link #buffer}, or -1 if the file ends before
   */
  int require(long position, int count) {
    if (position < start || position + count > start + length) {
      start = position;
      length = file.readUpTo(position, buffer, 0, SIZE);
    }
    return count <= length ? (int) (position - start) : -1;
  }

  /** The bytes; they change with the next {@link #require}. */
  byte[] buffer() {
    return buffer;
  }

  /** The most that can be required at once, in bytes. */
  static int maximum() {
    return SIZE;
  }

  /** Forgets what was read, because the file may have changed since. */
  void clear() {
    length = 0;
  }

  /** Copies {@code count} bytes, of any number; false if the file ends before. */
  boolean copy(long position, byte[] target, int count) {
    if (count > SIZE / 4) {
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
