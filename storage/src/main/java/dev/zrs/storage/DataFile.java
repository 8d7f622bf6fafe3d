package dev.zrs.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of a {@code Data.fs}. Every position and length that comes out of the file is
 * checked before it is used: what can't be right is a {@link CorruptDataException}, never a loop or
 * an allocation. Any thread may call.
 */
final class DataFile implements Closeable {
  /** The first bytes of the file; the first transaction record follows. */
  static final byte[] MAGIC = {'F', 'S', '3', '0'};

  /** Where the first transaction record begins. */
  static final int START = MAGIC.length;

  /** One read of this size takes in most records whole: header and data. */
  private static final int FIRST_READ = 1024;

  private final Path path;
  private final DiskFile file;

  DataFile(Path path, DiskFile file) {
    this.path = path;
    this.file = file;
  }

  Path path() {
    return path;
  }

  DiskFile file() {
    return file;
  }

  /** Size of the file in bytes, with all that is not committed. */
  long size() {
    try {
      return file.size();
    } catch (IOException e) {
      throw new StorageIoException("measuring", path, e);
    }
  }

  /** Reads exactly {@code length} bytes. */
  byte[] read(long position, int length) {
    byte[] bytes = new byte[length];
    if (readUpTo(position, bytes, 0, length) < length) {
      throw new CorruptDataException(path, position, "the file ends within " + length + " bytes");
    }
    return bytes;
  }

  /** Reads up to {@code length} bytes; fewer only at the end of the file. */
  int readUpTo(long position, byte[] target, int offset, int length) {
    try {
      return file.read(ByteBuffer.wrap(target, offset, length), position);
    } catch (IOException e) {
      throw new StorageIoException("reading at position " + position, path, e);
    }
  }

  /** The number at {@code position}, 8 bytes. */
  long readLong(long position) {
    return Bytes.getLong(read(position, 8), 0);
  }

  TransactionHeader transactionHeader(long position) {
    return TransactionHeader.parse(read(position, TransactionHeader.FIXED_LENGTH), 0, position);
  }

  /** The header of the data record at {@code position}, which must be one of {@code oid}. */
  DataHeader dataHeader(long position, long oid) {
    return checked(DataHeader.parse(read(position, DataHeader.LENGTH), 0, position), oid);
  }

  /**
   * Header and data of the record at {@code position}, which must be one of {@code oid}; follows
   * back-pointers.
   *
   * @return the record's header, and the data; null data where the creation is undone
   */
  LoadedRecord load(long position, long oid) {
    byte[] buffer = new byte[FIRST_READ];
    int available = readUpTo(position, buffer, 0, FIRST_READ);
    if (available < DataHeader.LENGTH) {
      throw new CorruptDataException(path, position, new Oid(oid), null, "the file ends here");
    }
    DataHeader header = checked(DataHeader.parse(buffer, 0, position), oid);
    if (header.hasBackPointer()) {
      return new LoadedRecord(header, follow(backPointer(header), header));
    }
    int length = (int) header.dataLength();
    byte[] data = new byte[length];
    int had = Math.min(length, available - DataHeader.LENGTH);
    System.arraycopy(buffer, DataHeader.LENGTH, data, 0, had);
    if (readUpTo(header.dataPosition() + had, data, had, length - had) < length - had) {
      throw damaged(header, "the file ends within the record");
    }
    return new LoadedRecord(header, data);
  }

  /** What {@link #load} gives. The array is the caller's. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record LoadedRecord(DataHeader header, byte @Nullable [] data) {}

  /** The back-pointer of a record that has one: a position, or 0. */
  long backPointer(DataHeader header) {
    long back = readLong(header.dataPosition());
    if (back < 0 || back >= header.position()) {
      throw damaged(header, "back-pointer to " + back);
    }
    return back;
  }

  /** The data of a record that has some. */
  byte[] data(DataHeader header) {
    return read(header.dataPosition(), (int) header.dataLength());
  }

  /** Whether a record says that the object's creation is undone, or the object deleted. */
  boolean isDeletion(DataHeader header) {
    return header.hasBackPointer() && backPointer(header) == 0;
  }

  /** User, description and extension, which follow the fixed part of a transaction's header. */
  TransactionMetadata metadata(TransactionHeader header) {
    byte[] bytes =
        read(
            header.position() + TransactionHeader.FIXED_LENGTH,
            header.headerLength() - TransactionHeader.FIXED_LENGTH);
    int description = header.userLength();
    int extension = description + header.descriptionLength();
    return new TransactionMetadata(
        Arrays.copyOf(bytes, description),
        Arrays.copyOfRange(bytes, description, extension),
        Arrays.copyOfRange(bytes, extension, bytes.length));
  }

  /** The data that a back-pointer leads to; null if it ends in an undone creation. */
  byte @Nullable [] follow(long back, DataHeader from) {
    DataHeader origin = origin(back, from.oid().value());
    return origin == null ? null : data(origin);
  }

  /** The record that holds the data for a back-pointer; null if it ends in an undone creation. */
  @Nullable DataHeader origin(long back, long oid) {
    long position = back;
    while (position != 0) {
      DataHeader header = dataHeader(position, oid);
      if (!header.hasBackPointer()) {
        return header;
      }
      position = backPointer(header);
    }
    return null;
  }

  /** The position of the object's record before this one; 0 if there is none. */
  long previous(DataHeader header) {
    long previous = header.previous();
    if (previous < 0 || previous >= header.position()) {
      throw damaged(header, "previous record at " + previous);
    }
    return previous;
  }

  /** The same header, which must be of a record of {@code oid} that the file can hold. */
  DataHeader checked(DataHeader header, long oid) {
    if (header.oid().value() != oid) {
      throw new CorruptDataException(
          path,
          header.position(),
          new Oid(oid),
          null,
          "here stands a record of oid " + header.oid());
    }
    if (header.dataLength() < 0
        || header.dataLength() > Integer.MAX_VALUE - 64
        || (header.dataLength() > FIRST_READ && header.position() + header.length() > size())) {
      throw damaged(header, "impossible length " + header.dataLength());
    }
    return header;
  }

  CorruptDataException damaged(DataHeader header, String what) {
    return new CorruptDataException(path, header.position(), header.oid(), header.tid(), what);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
