package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies all that is whole in a damaged {@code Data.fs} to a new one, as ZODB's fsrecover does. The
 * damaged file is only read. For one thread, once.
 */
public final class FileRecovery {
  /** So many bytes of records share their syncs. */
  private static final long BATCH_BYTES = 8 << 20;

  private static final int BATCH_TRANSACTIONS = 1_000;
  private static final int SEARCH_SIZE = 1 << 20;

  private final DataFile input;
  private final long size;
  private final FileStorage output;
  private final boolean partial;
  private final Consumer<Lost> lost;
  private final RecordWindow window;
  private final List<TransactionBuffer> batch = new ArrayList<>();
  private long batchBytes;
  private Tid lastTid = Tid.NONE;
  private long transactions;
  private long records;
  private long lostBytes;

  /**
   * A part of the file that was left out.
   *
   * @param position where it begins
   * @param length in bytes
   * @param reason in words
   */
  public record Lost(long position, long length, String reason) {}

  /**
   * What was done.
   *
   * @param transactions how many were copied
   * @param records how many data records were copied
   * @param lostBytes of the damaged file
   */
  public record Result(long transactions, long records, long lostBytes) {}

  private FileRecovery(DataFile input, FileStorage output, boolean partial, Consumer<Lost> lost) {
    this.input = input;
    this.size = input.size();
    this.output = output;
    this.partial = partial;
    this.lost = lost;
    this.window = new RecordWindow(input, RecordWindow.LARGE);
  }

  /**
   * Recovers what there is.
   *
   * @param to the new file
   * @param replace whether a file that is there may be removed; else it is an error
   * @param partial whether to copy the records before the damage of a transaction, which is then
   *     marked as packed
   * @param lost is told of each part that is left out
   * @throws StorageException if a file can't be read or written, or {@code to} exists
   */
  public static Result run(
      Path from,
      Path to,
      Disk disk,
      boolean replace,
      boolean partial,
      Consumer<Lost> lost,
      FileProgress progress) {
    if (disk.exists(to) && !replace) {
      throw new StorageException(to + " exists");
    }
    try (DataFile input = new DataFile(from, disk.open(from, Disk.Mode.READ, "open data file"));
        FileStorage output =
            FileStorage.open(
                StorageOptions.of(to).withCreate(replace), disk, InstantSource.system())) {
      byte[] magic = new byte[DataFile.START];
      input.readUpTo(0, magic, 0, magic.length);
      if (!Arrays.equals(magic, DataFile.MAGIC)) {
        throw new CorruptDataException(from, 0, "the file does not begin with FS30");
      }
      return new FileRecovery(input, output, partial, lost).copy(progress);
    } catch (IOException e) {
      throw new StorageIoException("reading", from, e);
    }
  }

  private Result copy(FileProgress progress) {
    long position = DataFile.START;
    while (position < size) {
      String wrong = copyTransaction(position);
      if (wrong == null) {
        position = input.transactionHeader(position).end();
      } else {
        long next = findTransaction(position + 1);
        lostBytes += next - position;
        lost.accept(new Lost(position, next - position, wrong));
        position = next;
      }
      progress.progress(position, size);
    }
    commitBatch();
    return new Result(transactions, records, lostBytes);
  }

  /** Copies one; null if that went well, else what is wrong with it. */
  private @Nullable String copyTransaction(long position) {
    TransactionHeader header = headerAt(position);
    if (header == null) {
      return "no whole transaction begins here";
    }
    if (header.status() == TransactionHeader.STATUS_UNDONE) {
      return null;
    }
    Tid tid = header.tid().laterThan(lastTid);
    TransactionRecord transaction =
        new TransactionRecord(input, window, header, input.metadata(header));
    TransactionBuffer whole = output.begin(transaction.metadata(), tid, header.status(), null);
    String wrong = null;
    try {
      copyRecords(transaction, whole);
    } catch (CorruptDataException e) {
      wrong = e.getMessage();
    }
    TransactionBuffer kept = wrong == null ? whole : part(header, tid, whole);
    if (kept != null) {
      add(kept, tid);
    }
    return wrong;
  }

  private @Nullable TransactionBuffer part(
      TransactionHeader header, Tid tid, TransactionBuffer broken) {
    int good = broken.recordCount();
    broken.close();
    if (!partial || good == 0) {
      return null;
    }
    TransactionRecord transaction =
        new TransactionRecord(input, window, header, input.metadata(header));
    TransactionBuffer buffer =
        output.begin(transaction.metadata(), tid, TransactionHeader.STATUS_PACKED, null);
    for (int i = 0; i < good; i++) {
      copyRecord(Objects.requireNonNull(transaction.nextRecord()), buffer);
    }
    return buffer;
  }

  private static void copyRecords(TransactionRecord transaction, TransactionBuffer buffer) {
    DataRecord record = transaction.nextRecord();
    while (record != null) {
      copyRecord(record, buffer);
      record = transaction.nextRecord();
    }
  }

  private static void copyRecord(DataRecord record, TransactionBuffer buffer) {
    buffer.restore(record.oid(), record.tid(), record.data(), record.dataTid());
  }

  private void add(TransactionBuffer buffer, Tid tid) {
    lastTid = tid;
    transactions++;
    records += buffer.recordCount();
    batch.add(buffer);
    batchBytes += buffer.byteCount();
    if (batchBytes > BATCH_BYTES || batch.size() == BATCH_TRANSACTIONS) {
      commitBatch();
    }
  }

  private void commitBatch() {
    output.restoreAll(batch);
    batch.forEach(TransactionBuffer::close);
    batch.clear();
    batchBytes = 0;
  }

  /** The transaction at a position, if all about it that is redundant fits; else null. */
  private @Nullable TransactionHeader headerAt(long position) {
    if (position + TransactionHeader.FIXED_LENGTH > size) {
      return null;
    }
    TransactionHeader header = input.transactionHeader(position);
    boolean fits =
        header.length() >= header.headerLength()
            && header.length() <= size - position - TransactionHeader.TRAILER_LENGTH
            && header.hasKnownStatus()
            && input.readLong(header.trailerPosition()) == header.length();
    return fits ? header : null;
  }

  /** Where the next transaction begins that looks whole; the end of the file if none does. */
  private long findTransaction(long from) {
    byte[] buffer = new byte[SEARCH_SIZE];
    long start = from;
    while (start < size) {
      int count = input.readUpTo(start, buffer, 0, buffer.length);
      int last = count - TransactionHeader.FIXED_LENGTH;
      for (int i = 0; i <= last; i++) {
        long length = Bytes.getLong(buffer, i + TransactionHeader.LENGTH_OFFSET);
        if (length >= TransactionHeader.FIXED_LENGTH
            && length < size - start - i
            && isTransaction(start + i)) {
          return start + i;
        }
      }
      if (last < 0) {
        break;
      }
      start += last + 1;
    }
    return size;
  }

  private boolean isTransaction(long position) {
    TransactionHeader header = headerAt(position);
    if (header == null || header.tid().compareTo(lastTid) <= 0) {
      return false;
    }
    long first = position + header.headerLength();
    if (first == header.trailerPosition()) {
      // Without a record there is too little to tell it from other bytes.
      return false;
    }
    return first + DataHeader.LENGTH <= header.trailerPosition()
        && DataHeader.parse(input.read(first, DataHeader.LENGTH), 0, first).transactionPosition()
            == position;
  }
}
