package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Checks the structure of a {@code Data.fs}: all that ZODB's fstest checks, and where pointers lead
 * to. Changes nothing, takes no lock, and may look at a file that is in use: what is appended
 * meanwhile is not looked at. For one thread, once.
 */
public final class FileCheck {
  private final DataFile file;
  private final long size;
  private final RecordWindow window;
  private final Consumer<Problem> problems;
  private Tid lastTid = Tid.NONE;
  private long transactions;
  private long records;
  private long problemCount;
  private long unfinished;

  /**
   * Something that is not as it must be.
   *
   * @param position in the file
   * @param tid of the transaction, where it is known
   * @param oid of the object, where it is known
   * @param what is wrong, in words
   */
  public record Problem(long position, @Nullable Tid tid, @Nullable Oid oid, String what) {}

  /**
   * What was found.
   *
   * @param size of the file in bytes
   * @param transactions how many were read
   * @param records how many data records were read
   * @param problems how many there are
   * @param lastTid of the last whole transaction
   * @param unfinishedBytes at the end: of a transaction that is being written, or that a crash left
   */
  public record Result(
      long size,
      long transactions,
      long records,
      long problems,
      Tid lastTid,
      long unfinishedBytes) {}

  private FileCheck(DataFile file, Consumer<Problem> problems) {
    this.file = file;
    this.size = file.size();
    this.window = new RecordWindow(file, RecordWindow.LARGE);
    this.problems = problems;
  }

  /**
   * Checks a file.
   *
   * @param problems is told of each problem as it is found
   * @throws StorageException if it can't be read
   */
  public static Result run(
      Path path, Disk disk, Consumer<Problem> problems, FileProgress progress) {
    try (DataFile file = new DataFile(path, disk.open(path, Disk.Mode.READ, "open data file"))) {
      return new FileCheck(file, problems).check(progress);
    } catch (IOException e) {
      throw new StorageIoException("reading", path, e);
    }
  }

  private Result check(FileProgress progress) {
    byte[] magic = new byte[DataFile.START];
    if (file.readUpTo(0, magic, 0, magic.length) < magic.length
        || !Arrays.equals(magic, DataFile.MAGIC)) {
      problem(0, null, null, "the file does not begin with FS30");
    } else {
      long position = DataFile.START;
      while (position >= 0 && position < size) {
        position = transaction(position);
        progress.progress(position < 0 ? size : position, size);
      }
    }
    return new Result(size, transactions, records, problemCount, lastTid, unfinished);
  }

  private void problem(long position, @Nullable Tid tid, @Nullable Oid oid, String what) {
    problemCount++;
    problems.accept(new Problem(position, tid, oid, what));
  }

  /** Checks one; where the next one begins, or -1 if that can't be known. */
  private long transaction(long position) {
    int offset = window.require(position, TransactionHeader.FIXED_LENGTH);
    if (offset < 0) {
      unfinished = size - position;
      return -1;
    }
    TransactionHeader header = TransactionHeader.parse(window.buffer(), offset, position);
    Tid tid = header.tid();
    boolean beyond =
        header.length() < 0 || header.length() > size - position - TransactionHeader.TRAILER_LENGTH;
    if (header.status() == TransactionHeader.STATUS_VOTED || beyond) {
      if (isTail(header)) {
        unfinished = size - position;
      } else {
        problem(
            position,
            tid,
            null,
            beyond
                ? "its length %d leads beyond the end of the file".formatted(header.length())
                : "the transaction is not finished, but others follow");
      }
      return -1;
    }
    transactions++;
    if (tid.compareTo(lastTid) <= 0) {
      problem(position, tid, null, "the tid is not later than the one before, " + lastTid);
    }
    lastTid = tid;
    if (!header.hasKnownStatus()) {
      problem(position, tid, null, "unknown status '%s'".formatted(header.status()));
    }
    if (header.length() < header.headerLength()) {
      problem(position, tid, null, "its length %d is too small".formatted(header.length()));
      return -1;
    }
    if (file.readLong(header.trailerPosition()) != header.length()) {
      problem(position, tid, null, "the length is not repeated at its end");
      return -1;
    }
    if (header.status() != TransactionHeader.STATUS_UNDONE) {
      records(header);
    }
    return header.end();
  }

  /** Whether nothing whole can follow: the redundant lengths from the end do not lead here. */
  private boolean isTail(TransactionHeader suspect) {
    try {
      new FileScan(file, new ObjectIndex(), suspect.position(), lastTid, 0, false).run();
      return true;
    } catch (CorruptDataException e) {
      return false;
    }
  }

  private void records(TransactionHeader transaction) {
    long position = transaction.position() + transaction.headerLength();
    long limit = transaction.trailerPosition();
    while (position < limit) {
      int offset = window.require(position, DataHeader.LENGTH);
      DataHeader record = offset < 0 ? null : DataHeader.parse(window.buffer(), offset, position);
      if (record == null || record.dataLength() < 0 || record.length() > limit - position) {
        problem(position, transaction.tid(), null, "a data record does not fit its transaction");
        return;
      }
      records++;
      record(record, transaction);
      position += record.length();
    }
  }

  private void record(DataHeader record, TransactionHeader transaction) {
    if (record.transactionPosition() != transaction.position()) {
      problem(
          record.position(),
          transaction.tid(),
          record.oid(),
          "it says that its transaction is at %d, not %d"
              .formatted(record.transactionPosition(), transaction.position()));
    }
    if (record.previous() != 0) {
      pointer(record, transaction, record.previous(), "previous record");
    }
    if (record.hasBackPointer()) {
      long back = file.readLong(record.dataPosition());
      if (back != 0) {
        pointer(record, transaction, back, "back-pointer");
      }
    }
  }

  private void pointer(DataHeader from, TransactionHeader transaction, long to, String what) {
    String wrong = null;
    if (to < DataFile.START || to >= from.position()) {
      wrong = "does not lead backwards";
    } else if (!DataHeader.parse(file.read(to, DataHeader.LENGTH), 0, to)
        .oid()
        .equals(from.oid())) {
      wrong = "does not lead to a record of this object";
    }
    if (wrong != null) {
      problem(
          from.position(),
          transaction.tid(),
          from.oid(),
          "its %s, %d, %s".formatted(what, to, wrong));
    }
  }
}
