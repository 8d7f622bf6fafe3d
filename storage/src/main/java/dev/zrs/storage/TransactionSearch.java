package dev.zrs.storage;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds transactions in the file by their tid, stepping from one transaction to the next. What is
 * wanted usually is near one of the ends, so the search begins at the end whose time is nearer. For
 * one thread.
 */
final class TransactionSearch {
  private final DataFile file;
  private final long end;
  private final BooleanSupplier wanted;

  /**
   * @param end where the last transaction ends that is to be looked at
   */
  TransactionSearch(DataFile file, long end) {
    this(file, end, () -> true);
  }

  /**
   * @param end where the last transaction ends that is to be looked at
   * @param wanted whether to go on; it is asked all the time
   */
  TransactionSearch(DataFile file, long end, BooleanSupplier wanted) {
    this.file = file;
    this.end = end;
    this.wanted = wanted;
  }

  /**
   * Where the first transaction later than {@code tid} begins; the end if there is none.
   *
   * @throws StorageException if it is not wanted any more
   */
  long positionAfter(Tid tid) {
    if (end <= DataFile.START || tid.equals(Tid.NONE)) {
      return Math.min(end, DataFile.START);
    }
    long first = file.transactionHeader(DataFile.START).tid().value() >>> 1;
    long last = before(end).tid().value() >>> 1;
    long wanted = tid.value() >>> 1;
    return wanted - first < (last - first) / 2 ? forward(tid) : backward(tid);
  }

  private long forward(Tid tid) {
    long position = DataFile.START;
    while (position < end) {
      requireWanted(tid);
      TransactionHeader header = checked(file.transactionHeader(position));
      if (header.tid().compareTo(tid) > 0) {
        break;
      }
      position = header.end();
    }
    return position;
  }

  private long backward(Tid tid) {
    long position = end;
    while (position > DataFile.START) {
      requireWanted(tid);
      TransactionHeader header = before(position);
      if (header.tid().compareTo(tid) <= 0) {
        break;
      }
      position = header.position();
    }
    return position;
  }

  private void requireWanted(Tid tid) {
    if (!wanted.getAsBoolean()) {
      throw new StorageException("nobody wants to know any more where transaction " + tid + " is");
    }
  }

  /** The object's last record in transaction {@code tid}; null if there is none. */
  @Nullable DataHeader lastRecord(Tid tid, Oid oid) {
    long position = positionAfter(tid.previous());
    if (position >= end || !file.transactionHeader(position).tid().equals(tid)) {
      return null;
    }
    TransactionCursor cursor =
        new TransactionCursor(file, new RecordWindow(file, RecordWindow.SMALL), position);
    TransactionRecord transaction = cursor.next(end);
    DataHeader found = null;
    if (transaction != null) {
      DataHeader record = transaction.nextHeader();
      while (record != null) {
        if (record.oid().equals(oid)) {
          found = record;
        }
        record = transaction.nextHeader();
      }
    }
    return found;
  }

  /** Where the last {@code count} transactions begin, or the first if there are not so many. */
  long positionOfLast(int count) {
    long position = end;
    for (int i = 0; i < count && position > DataFile.START; i++) {
      position = before(position).position();
    }
    return position;
  }

  /** The transaction that ends at {@code position}. */
  TransactionHeader before(long position) {
    long length = file.readLong(position - TransactionHeader.TRAILER_LENGTH);
    long start = position - TransactionHeader.TRAILER_LENGTH - length;
    if (length < TransactionHeader.FIXED_LENGTH || start < DataFile.START) {
      throw new CorruptDataException(
          file.path(), position, "the length of the transaction before is " + length);
    }
    TransactionHeader header = file.transactionHeader(start);
    if (header.length() != length) {
      throw new CorruptDataException(
          file.path(), start, null, header.tid(), "the two lengths of the transaction differ");
    }
    return header;
  }

  private TransactionHeader checked(TransactionHeader header) {
    if (header.length() < header.headerLength() || header.end() > end) {
      throw new CorruptDataException(
          file.path(), header.position(), null, header.tid(), "impossible transaction length");
    }
    return header;
  }
}
