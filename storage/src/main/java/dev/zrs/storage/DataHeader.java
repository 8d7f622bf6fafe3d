package dev.zrs.storage;

/**
 * The header of a data record (ZODB FileStorage/format): oid (8 bytes), serial (8), position of the
 * object's previous record (8), position of the transaction record (8), a length that is always 0
 * (2), length of the data (8). Data follow; if their length is 0, a back-pointer of 8 bytes: the
 * position of the record that holds them, or 0 where the object's creation is undone.
 *
 * @param position where the record begins
 * @param oid the object
 * @param tid the record's serial
 * @param previous position of the object's record before this one; 0 if there is none
 * @param transactionPosition where the transaction record begins
 * @param dataLength bytes; 0 if there is a back-pointer instead
 */
record DataHeader(
    long position, Oid oid, Tid tid, long previous, long transactionPosition, long dataLength) {

  /** Length of the header in bytes. */
  static final int LENGTH = 42;

  /** Length of a back-pointer in bytes. */
  static final int BACK_POINTER_LENGTH = 8;

  private static final int VERSION_LENGTH_OFFSET = 32;

  /** The header at {@code offset}. A version, which no readable file has, gives data length -1. */
  static DataHeader parse(byte[] buffer, int offset, long position) {
    return new DataHeader(
        position,
        new Oid(Bytes.getLong(buffer, offset)),
        new Tid(Bytes.getLong(buffer, offset + 8)),
        Bytes.getLong(buffer, offset + 16),
        Bytes.getLong(buffer, offset + 24),
        Bytes.getUnsignedShort(buffer, offset + VERSION_LENGTH_OFFSET) != 0
            ? -1
            : Bytes.getLong(buffer, offset + 34));
  }

  static void format(
      byte[] target,
      int offset,
      Oid oid,
      Tid tid,
      long previous,
      long transactionPosition,
      long dataLength) {
    Bytes.putLong(target, offset, oid.value());
    Bytes.putLong(target, offset + 8, tid.value());
    Bytes.putLong(target, offset + 16, previous);
    Bytes.putLong(target, offset + 24, transactionPosition);
    Bytes.putShort(target, offset + VERSION_LENGTH_OFFSET, 0);
    Bytes.putLong(target, offset + 34, dataLength);
  }

  /** Whether a back-pointer stands in place of data. */
  boolean hasBackPointer() {
    return dataLength == 0;
  }

  /** Where the data, or the back-pointer, begin. */
  long dataPosition() {
    return position + LENGTH;
  }

  /** Length of the whole record in bytes; of an impossible one, more than any file has. */
  long length() {
    long content = dataLength == 0 ? BACK_POINTER_LENGTH : dataLength;
    return content > Long.MAX_VALUE - LENGTH ? Long.MAX_VALUE : LENGTH + content;
  }
}
