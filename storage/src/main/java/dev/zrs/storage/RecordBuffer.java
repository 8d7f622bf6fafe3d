package dev.zrs.storage;

/**
 * Reads data records at any positions, one after the other: each with one read if it is short. For
 * one thread.
 */
final class RecordBuffer {
  /** Takes in most records whole. */
  private static final int FIRST_READ = 1024;

  /** A buffer that grew for a record beyond this size is not kept. */
  private static final int KEPT = 64 << 10;

  private final DataFile file;
  private byte[] bytes = new byte[FIRST_READ];
  private int available;

  RecordBuffer(DataFile file) {
    this.file = file;
  }

  /**
   * The header of the record at a position, which must be one of {@code oid}. Its data may not be
   * there yet: {@link #complete} reads them.
   *
   * @throws CorruptDataException if it can't be right
   */
  DataHeader begin(long position, long oid) {
    release();
    available = file.readUpTo(position, bytes, 0, FIRST_READ);
    if (available < DataHeader.LENGTH) {
      throw new CorruptDataException(
          file.path(), position, new Oid(oid), null, "the file ends here");
    }
    return file.checked(DataHeader.parse(bytes, 0, position), oid);
  }

  /**
   * Reads what is missing of the record that was begun last, which must have data: they are in
   * {@link #bytes} behind a header.
   *
   * @throws CorruptDataException if the file ends before
   */
  void complete(DataHeader header) {
    int length = (int) header.length();
    if (length > bytes.length) {
      byte[] larger = new byte[length];
      System.arraycopy(bytes, 0, larger, 0, available);
      bytes = larger;
    }
    int missing = length - available;
    if (missing > 0
        && file.readUpTo(header.position() + available, bytes, available, missing) < missing) {
      throw file.damaged(header, "the file ends within the record");
    }
  }

  /** Lets go of the memory that a long record has taken. */
  void release() {
    if (bytes.length > KEPT) {
      bytes = new byte[FIRST_READ];
    }
  }

  /** Header and data of the record that was read last; the next one is read into the same array. */
  byte[] bytes() {
    return bytes;
  }
}
