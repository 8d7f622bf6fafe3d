package dev.zrs.storage;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file up to the pack time: what was current then, and where the younger transactions
 * begin. For one thread.
 */
final class PackScan {
  private final DataFile file;
  private final long end;
  private final Tid packTime;
  private final BooleanSupplier stopped;
  private final ObjectIndex current = new ObjectIndex();
  private long overhead = DataFile.START;
  private long expanded;
  private boolean unpacked;
  private boolean redundant;
  private long position = DataFile.START;
  private Tid lastPacked = Tid.NONE;

  /**
   * @param end where the last transaction ends that is to be looked at
   * @param stopped whether to give up
   */
  PackScan(DataFile file, long end, Tid packTime, BooleanSupplier stopped) {
    this.file = file;
    this.end = end;
    this.packTime = packTime;
    this.stopped = stopped;
  }

  /** Where each object's record stood that was current at the pack time; not deleted ones. */
  ObjectIndex current() {
    return current;
  }

  /** Where the first transaction begins that is younger than the pack time. */
  long packPosition() {
    return position;
  }

  /** The last transaction that is not younger than the pack time. */
  Tid lastPacked() {
    return lastPacked;
  }

  /** Bytes up to the pack position that are no data records: headers and ends of transactions. */
  long overhead() {
    return overhead;
  }

  /** How many bytes more there would be if each record had its data in place of a back-pointer. */
  long expanded() {
    return expanded;
  }

  /** Whether the file was packed before, to the same time or a later one. */
  boolean isRedundant() {
    return redundant;
  }

  void run(PackProgress progress) {
    TransactionCursor cursor = new TransactionCursor(file, DataFile.START);
    TransactionRecord transaction = cursor.next(end);
    while (transaction != null && transaction.tid().compareTo(packTime) <= 0) {
      Packer.checkStopped(stopped);
      unpacked |= transaction.status() != TransactionHeader.STATUS_PACKED;
      if (transaction.status() != TransactionHeader.STATUS_UNDONE) {
        overhead += transaction.end() - transaction.position();
        readRecords(transaction);
      }
      position = transaction.end();
      lastPacked = transaction.tid();
      progress.progress(PackProgress.Phase.SCAN, position, end);
      transaction = cursor.next(end);
    }
    redundant = !unpacked && isPackedOrNone(transaction);
    current.compact();
  }

  private static boolean isPackedOrNone(@Nullable TransactionRecord next) {
    return next == null || next.status() == TransactionHeader.STATUS_PACKED;
  }

  private long growth(long back, long oid) {
    try {
      DataHeader origin = file.origin(back, oid);
      return origin == null ? 0 : origin.dataLength() - DataHeader.BACK_POINTER_LENGTH;
    } catch (CorruptDataException e) {
      // Of a record that goes it does not matter; of others the copy says it.
      return 0;
    }
  }

  private void readRecords(TransactionRecord transaction) {
    DataHeader record = transaction.nextHeader();
    while (record != null) {
      long oid = record.oid().value();
      overhead -= record.length();
      long back = record.hasBackPointer() ? file.backPointer(record) : record.position();
      if (back == 0) {
        current.remove(oid);
      } else {
        if (record.hasBackPointer()) {
          expanded += growth(back, oid);
        }
        current.put(oid, record.position());
      }
      record = transaction.nextHeader();
    }
  }
}
