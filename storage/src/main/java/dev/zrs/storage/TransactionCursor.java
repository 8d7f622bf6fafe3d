package dev.zrs.storage;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads the transactions of one file from a position on. For one thread. */
final class TransactionCursor {
  private final DataFile file;
  private final RecordWindow window;
  private long position;
  private long windowValidTo;

  /**
   * @param position where to begin: a transaction boundary
   */
  TransactionCursor(DataFile file, RecordWindow window, long position) {
    this.file = file;
    this.window = window;
    this.position = position;
  }

  /** A cursor that reads ahead in large pieces. */
  TransactionCursor(DataFile file, long position) {
    this(file, new RecordWindow(file, RecordWindow.LARGE), position);
  }

  /** Where the next transaction will begin. */
  long position() {
    return position;
  }

  /**
   * The next transaction; null if it does not begin before {@code end}.
   *
   * @param end where the last transaction ends that is to be read
   * @throws CorruptDataException if it can't be right
   */
  @Nullable TransactionRecord next(long end) {
    if (position >= end) {
      return null;
    }
    if (end != windowValidTo) {
      // What lay behind the old end when it was read may have been written since.
      window.clear();
      windowValidTo = end;
    }
    int offset = window.require(position, TransactionHeader.FIXED_LENGTH);
    TransactionHeader header =
        offset < 0 ? null : TransactionHeader.parse(window.buffer(), offset, position);
    if (header == null
        || header.length() < header.headerLength()
        || header.end() > end
        || header.end() < position) {
      throw new CorruptDataException(file.path(), position, "no transaction begins here");
    }
    TransactionMetadata metadata = metadata(header);
    position = header.end();
    return new TransactionRecord(file, window, header, metadata);
  }

  private TransactionMetadata metadata(TransactionHeader header) {
    int length = header.headerLength() - TransactionHeader.FIXED_LENGTH;
    int user = window.require(position + TransactionHeader.FIXED_LENGTH, length);
    if (user < 0) {
      throw new CorruptDataException(file.path(), position, "the file ends in a header");
    }
    byte[] buffer = window.buffer();
    int description = user + header.userLength();
    int extension = description + header.descriptionLength();
    return new TransactionMetadata(
        Arrays.copyOfRange(buffer, user, description),
        Arrays.copyOfRange(buffer, description, extension),
        Arrays.copyOfRange(buffer, extension, user + length));
  }
}
