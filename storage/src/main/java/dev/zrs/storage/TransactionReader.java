package dev.zrs.storage;

import java.util.Arrays;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the committed transactions of a storage from front to back, including those that come while
 * it reads. For one thread; independent of every other reader and of writers.
 */
public final class TransactionReader implements AutoCloseable {
  private final DataFile file;
  private final LongSupplier visibleEnd;
  private final RecordWindow window;
  private long position;
  private long windowValidTo;

  /**
   * @param position where to begin: a transaction boundary
   * @param visibleEnd up to where transactions are durable and visible
   */
  TransactionReader(DataFile file, long position, LongSupplier visibleEnd) {
    this.file = file;
    this.position = position;
    this.visibleEnd = visibleEnd;
    this.window = new RecordWindow(file);
  }

  /**
   * The next transaction; null if there is none now. It may be asked again when the commit feed has
   * told of another.
   *
   * @throws CorruptDataException if it can't be right
   */
  public @Nullable TransactionRecord next() {
    long end = visibleEnd.getAsLong();
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

  /** Where the next transaction will begin. */
  public long position() {
    return position;
  }

  /** Lets go of its buffer. The file belongs to the storage. */
  @Override
  public void close() {
    window.clear();
  }
}
