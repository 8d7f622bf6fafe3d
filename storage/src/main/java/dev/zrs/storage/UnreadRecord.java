package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/**
 * A data record whose data are still in the file, for whoever can't have all of a large one in
 * memory. For one thread; valid until the reader that gave it goes on.
 */
public final class UnreadRecord {
  private final DataFile file;
  private final RecordWindow window;
  private final DataHeader header;
  private final @Nullable DataHeader origin;
  private final @Nullable Tid dataTid;

  /**
   * @param window through which its transaction is read
   * @param origin the record that holds the data; null if the creation is undone
   * @param dataTid see {@link DataRecord#dataTid}
   */
  UnreadRecord(
      DataFile file,
      RecordWindow window,
      DataHeader header,
      @Nullable DataHeader origin,
      @Nullable Tid dataTid) {
    this.file = file;
    this.window = window;
    this.header = header;
    this.origin = origin;
    this.dataTid = dataTid;
  }

  public Oid oid() {
    return header.oid();
  }

  public Tid tid() {
    return header.tid();
  }

  /** As that of a {@link DataRecord}. */
  public @Nullable Tid dataTid() {
    return dataTid;
  }

  /** Bytes of its data; 0 if there are none. */
  public int length() {
    return origin == null ? 0 : (int) origin.dataLength();
  }

  /**
   * Reads a part of the data.
   *
   * @throws CorruptDataException if the file is too short
   */
  public void read(int offset, byte[] target, int count) {
    DataHeader from = origin;
    if (from == null || offset < 0 || count > length() - offset) {
      throw new IllegalArgumentException("there are no such data");
    }
    long position = from.dataPosition() + offset;
    // What a back-pointer leads to is not what will be read next.
    boolean complete =
        from.position() == header.position()
            ? window.copy(position, target, count)
            : file.readUpTo(position, target, 0, count) == count;
    if (!complete) {
      throw file.damaged(from, "the file ends within the record");
    }
  }

  /** The record with all of its data. */
  public DataRecord whole() {
    if (origin == null) {
      return new DataRecord(oid(), tid(), null, dataTid);
    }
    byte[] data = new byte[length()];
    read(0, data, data.length);
    return new DataRecord(oid(), tid(), data, dataTid);
  }
}
