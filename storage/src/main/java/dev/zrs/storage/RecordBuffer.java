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

  RecordBuffer(DataFile file) {
    this.file = file;
  }

  /**
   * The record at a position, which must be one of {@code oid}; its data, if it has some, are in
   * {@link #bytes} behind a header.
   *
   * @throws CorruptDataException if it can't be right
   */
  DataHeader read(long position, long oid) {
    if (bytes.length > KEPT) {
      bytes = new byte[FIRST_READ];
    }
    int available = file.readUpTo(position, bytes, 0, FIRST_READ);
    if (available < DataHeader.LENGTH) {
      throw new CorruptDataException(
          file.path(), position, new Oid(oid), null, "the file ends here");
    }
    DataHeader header = file.checked(DataHeader.parse(bytes, 0, position), oid);
    if (!header.hasBackPointer()) {
      complete(header, available);
    }
    return header;
  }

  private void complete(DataHeader header, int available) {
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

  /** Header and data of the record that was read last; the next one is read into the same array. */
  byte[] bytes() {
    return bytes;
  }
}
