package dev.zrs.storage;

/**
 * The header of a transaction record (ZODB FileStorage/format): tid (8 bytes), length (8), status
 * (1), the lengths of user, description and extension (2 each), then these three. Data records
 * follow, then the length once more.
 *
 * @param position where the record begins, in bytes from the start of the file
 * @param tid the transaction
 * @param length length of the record without the redundant length at its end, in bytes
 * @param status one of the {@code STATUS_} constants, in a good file
 * @param userLength bytes
 * @param descriptionLength bytes
 * @param extensionLength bytes
 */
record TransactionHeader(
    long position,
    Tid tid,
    long length,
    char status,
    int userLength,
    int descriptionLength,
    int extensionLength) {

  /** Length in bytes of the part that is always there. */
  static final int FIXED_LENGTH = 23;

  /** Where the length is, from the start of the record. */
  static final int LENGTH_OFFSET = 8;

  /** Where the status byte is, from the start of the record. */
  static final int STATUS_OFFSET = 16;

  /** Bytes of the redundant length behind the record. */
  static final int TRAILER_LENGTH = 8;

  /** Committed. */
  static final char STATUS_NORMAL = ' ';

  /** Committed, and packed since. */
  static final char STATUS_PACKED = 'p';

  /** Undone by a method that ZODB gave up long ago; to be skipped. */
  static final char STATUS_UNDONE = 'u';

  /** Voted but not finished: what follows was never acknowledged. */
  static final char STATUS_VOTED = 'c';

  static TransactionHeader parse(byte[] buffer, int offset, long position) {
    return new TransactionHeader(
        position,
        new Tid(Bytes.getLong(buffer, offset)),
        Bytes.getLong(buffer, offset + 8),
        (char) (buffer[offset + STATUS_OFFSET] & 0xff),
        Bytes.getUnsignedShort(buffer, offset + 17),
        Bytes.getUnsignedShort(buffer, offset + 19),
        Bytes.getUnsignedShort(buffer, offset + 21));
  }

  /** The bytes of the header with its metadata. */
  static byte[] format(Tid tid, long length, char status, TransactionMetadata metadata) {
    byte[] bytes = new byte[FIXED_LENGTH + metadata.length()];
    Bytes.putLong(bytes, 0, tid.value());
    Bytes.putLong(bytes, 8, length);
    bytes[STATUS_OFFSET] = (byte) status;
    Bytes.putShort(bytes, 17, metadata.user().length);
    Bytes.putShort(bytes, 19, metadata.description().length);
    Bytes.putShort(bytes, 21, metadata.extension().length);
    int at = FIXED_LENGTH;
    for (byte[] field :
        new byte[][] {metadata.user(), metadata.description(), metadata.extension()}) {
      System.arraycopy(field, 0, bytes, at, field.length);
      at += field.length;
    }
    return bytes;
  }

  /** Length of the header with its metadata, in bytes. */
  int headerLength() {
    return FIXED_LENGTH + userLength + descriptionLength + extensionLength;
  }

  /** Where the redundant length stands. */
  long trailerPosition() {
    return position + length;
  }

  /** Where the next transaction record begins. */
  long end() {
    return position + length + TRAILER_LENGTH;
  }

  boolean hasKnownStatus() {
    return status == STATUS_NORMAL || status == STATUS_PACKED || status == STATUS_UNDONE;
  }
}
