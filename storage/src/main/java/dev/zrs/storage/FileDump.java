package dev.zrs.storage;

import dev.zrs.pickle.RecordPickles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Tells what is in a {@code Data.fs}, transaction by transaction, without its index. Changes
 * nothing and takes no lock; what is appended meanwhile, or not finished, is not looked at. For one
 * thread, once.
 */
public final class FileDump {
  private FileDump() {}

  /** Is told what there is. */
  public interface Visitor {
    /** A transaction begins. */
    void transaction(Transaction transaction);

    /** A data record of it. */
    void record(Entry record);

    /** The transaction ends. */
    void end();
  }

  /**
   * A transaction.
   *
   * @param position of its record in the file
   * @param length of its record in bytes
   * @param status the status byte
   */
  public record Transaction(
      long position, long length, Tid tid, char status, TransactionMetadata metadata) {}

  /**
   * A data record.
   *
   * @param position in the file
   * @param size of the data in bytes; 0 for a back-pointer
   * @param className module and name, also through a back-pointer; "?" if it can't be read; null
   *     where the creation is undone or the object deleted
   * @param dataTid where the record is a back-pointer: the serial of the record that it leads to
   */
  public record Entry(
      long position,
      Oid oid,
      Tid tid,
      long size,
      @Nullable String className,
      @Nullable Tid dataTid) {}

  /**
   * Reads a file.
   *
   * @param from the first transaction to tell
   * @param to the last one
   * @throws CorruptDataException where it is damaged; what was told by then is right
   * @throws StorageException if it can't be read
   */
  public static void run(Path path, Disk disk, Tid from, Tid to, Visitor visitor) {
    try (DataFile file = new DataFile(path, disk.open(path, Disk.Mode.READ, "open data file"))) {
      byte[] magic = new byte[DataFile.START];
      file.readUpTo(0, magic, 0, magic.length);
      if (!Arrays.equals(magic, DataFile.MAGIC)) {
        throw new CorruptDataException(path, 0, "the file does not begin with FS30");
      }
      long end = end(file);
      long start = new TransactionSearch(file, end).positionAfter(from.previous());
      TransactionCursor cursor = new TransactionCursor(file, start);
      TransactionRecord transaction = cursor.next(end);
      while (transaction != null && transaction.tid().compareTo(to) <= 0) {
        tell(file, transaction, visitor);
        transaction = cursor.next(end);
      }
    } catch (IOException e) {
      throw new StorageIoException("reading", path, e);
    }
  }

  /** Where the last finished transaction ends, looked for from the end, or else from the start. */
  private static long end(DataFile file) {
    long size = file.size();
    if (size <= DataFile.START) {
      return size;
    }
    try {
      TransactionHeader last = new TransactionSearch(file, size).before(size);
      if (last.hasKnownStatus()) {
        return size;
      }
    } catch (CorruptDataException e) {
      // The end is not that of a transaction.
    }
    long position = DataFile.START;
    while (position + TransactionHeader.FIXED_LENGTH <= size) {
      TransactionHeader header = file.transactionHeader(position);
      if (!header.hasKnownStatus()
          || header.length() < header.headerLength()
          || header.length() > size - position - TransactionHeader.TRAILER_LENGTH) {
        break;
      }
      position = header.end();
    }
    return position;
  }

  private static void tell(DataFile file, TransactionRecord transaction, Visitor visitor) {
    visitor.transaction(
        new Transaction(
            transaction.position(),
            transaction.end() - transaction.position(),
            transaction.tid(),
            transaction.status(),
            transaction.metadata()));
    DataHeader record = transaction.nextHeader();
    while (record != null) {
      long oid = record.oid().value();
      long back = record.hasBackPointer() ? file.backPointer(record) : 0;
      DataHeader origin = record.hasBackPointer() ? file.origin(back, oid) : record;
      visitor.record(
          new Entry(
              record.position(),
              record.oid(),
              record.tid(),
              record.dataLength(),
              origin == null ? null : className(file.data(origin)),
              back == 0 ? null : file.dataHeader(back, oid).tid()));
      record = transaction.nextHeader();
    }
    visitor.end();
  }

  private static String className(byte[] data) {
    return RecordPickles.classNameOf(data).orElse("?");
  }
}
