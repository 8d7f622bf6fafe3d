package dev.zrs.storage;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a {@code Data.fs} from a position to its end, fills the index and finds where the last
 * complete transaction ends. Changes nothing. For one thread.
 *
 * <p>What a crash leaves at the end (an unfinished transaction, or a piece of one) is reported as
 * the tail. The same signs in the middle of the file are damage, not a tail: the redundant lengths
 * are followed from the end of the file, and if they lead to exactly the suspicious record past
 * complete transactions, nothing may be cut off.
 */
final class FileScan {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** Complaints of one kind beyond this number are only counted. */
  private static final int MAX_WARNINGS = 20;

  private final DataFile file;
  private final ObjectIndex index;
  private final long size;
  private final RecordWindow window;
  private final long unfinishedBatch;
  private final boolean cutsAtMark;
  private @Nullable TransactionHeader mark;
  private int wrongPrevious;
  private long end;
  private Tid lastTid;

  /**
   * @param start where to begin: a transaction boundary
   * @param lastTid the tid of the transaction before {@code start}
   * @param unfinishedBatch position of a batch of transactions that was begun but not acknowledged
   *     (see {@link CatchUpMarker}), or 0
   * @param cutsAtMark whether a transaction with status {@code c} counts as the begin of the tail
   *     even if whole ones follow it: for a copy of a file that was in use, where the others can be
   *     had from elsewhere
   */
  FileScan(
      DataFile file,
      ObjectIndex index,
      long start,
      Tid lastTid,
      long unfinishedBatch,
      boolean cutsAtMark) {
    this.file = file;
    this.index = index;
    this.size = file.size();
    this.window = new RecordWindow(file, RecordWindow.LARGE);
    this.end = start;
    this.lastTid = lastTid;
    this.unfinishedBatch = unfinishedBatch;
    this.cutsAtMark = cutsAtMark;
  }

  /** Where the last complete transaction ends; what follows is the tail. */
  long end() {
    return end;
  }

  /** Tid of the last complete transaction. */
  Tid lastTid() {
    return lastTid;
  }

  /** The unfinished transaction at which the tail begins; null if its header is not whole. */
  @Nullable TransactionHeader mark() {
    return mark;
  }

  /** Whether the file goes on behind the last complete transaction. */
  boolean hasTail() {
    return end < size;
  }

  /**
   * Scans.
   *
   * @throws CorruptDataException if the file is damaged other than at its tail
   */
  void run() {
    while (scanTransaction()) {
      // each call moves one transaction on
    }
    if (wrongPrevious > MAX_WARNINGS) {
      LOG.warn(
          "{} incorrect previous pointer at {} more places",
          file.path(),
          wrongPrevious - MAX_WARNINGS);
    }
  }

  private boolean scanTransaction() {
    int offset = window.require(end, TransactionHeader.FIXED_LENGTH);
    if (offset < 0) {
      return false;
    }
    TransactionHeader header = TransactionHeader.parse(window.buffer(), offset, end);
    boolean overlong = header.length() < 0 || header.length() > size - end - 8;
    if (overlong
        || header.status() == TransactionHeader.STATUS_VOTED
        || header.length() < header.headerLength()) {
      refuseUnlessTail(header);
      return false;
    }
    if (header.status() == 0 && completeAfter(header) == 0) {
      // The transaction was whole before its status was set, so the disk has lost other parts of it
      // too, or may have.
      mark = header;
      return false;
    }
    if (header.tid().compareTo(lastTid) <= 0) {
      LOG.warn("{} time-stamp reduction at {}", file.path(), end);
    }
    if (!header.hasKnownStatus()) {
      LOG.warn("{} has invalid status, {}, at {}", file.path(), header.status(), end);
    }
    if (header.status() != TransactionHeader.STATUS_UNDONE) {
      scanRecords(header);
    }
    offset = window.require(header.trailerPosition(), TransactionHeader.TRAILER_LENGTH);
    if (offset < 0 || Bytes.getLong(window.buffer(), offset) != header.length()) {
      throw new CorruptDataException(
          file.path(),
          end,
          null,
          header.tid(),
          "the length of the transaction is not repeated at its end");
    }
    lastTid = header.tid();
    end = header.end();
    return true;
  }

  private void scanRecords(TransactionHeader transaction) {
    long position = transaction.position() + transaction.headerLength();
    long limit = transaction.trailerPosition();
    while (position < limit) {
      int offset = window.require(position, DataHeader.LENGTH);
      DataHeader header = offset < 0 ? null : DataHeader.parse(window.buffer(), offset, position);
      if (header == null
          || header.dataLength() < 0
          || header.length() > limit - position
          || header.transactionPosition() != transaction.position()) {
        throw new CorruptDataException(
            file.path(),
            position,
            null,
            transaction.tid(),
            "a data record does not fit its transaction at " + transaction.position());
      }
      checkPrevious(header);
      position += header.length();
    }
    // A second pass, because within a transaction two records of one oid have the same previous.
    position = transaction.position() + transaction.headerLength();
    while (position < limit) {
      int offset = window.require(position, DataHeader.LENGTH);
      if (offset < 0) {
        throw new CorruptDataException(file.path(), position, "the file shrinks while it is read");
      }
      DataHeader header = DataHeader.parse(window.buffer(), offset, position);
      index.put(header.oid().value(), position);
      position += header.length();
    }
  }

  private void checkPrevious(DataHeader header) {
    if (index.get(header.oid().value()) != header.previous() && header.previous() != 0) {
      wrongPrevious++;
      if (wrongPrevious <= MAX_WARNINGS) {
        LOG.error("{} incorrect previous pointer at {}", file.path(), header.position());
      }
    }
  }

  private void refuseUnlessTail(TransactionHeader suspect) {
    mark = suspect;
    boolean mayCut =
        suspect.position() == unfinishedBatch
            || (cutsAtMark && suspect.status() == TransactionHeader.STATUS_VOTED);
    int complete = mayCut ? 0 : completeAfter(suspect);
    if (complete > 0) {
      throw new CorruptDataException(
          file.path(),
          suspect.position(),
          null,
          suspect.tid(),
          "a transaction header with status '%s' and length %d stands before %d complete"
                  .formatted(suspect.status(), suspect.length(), complete)
              + " transactions; this is damage, not the rest of a crash, and nothing was cut"
              + " off. Restore the file from a backup or a replica. If it was copied while a server"
              + " used it, start a secondary of that server on it (replicate-from): it cuts the"
              + " file there, and is sent the rest again");
    }
  }

  /** How many complete transactions lead from the end of the file to this one; 0 if none do. */
  private int completeAfter(TransactionHeader suspect) {
    long at = size;
    int complete = 0;
    while (at > suspect.position() + TransactionHeader.FIXED_LENGTH) {
      long length = file.readLong(at - TransactionHeader.TRAILER_LENGTH);
      long start = at - TransactionHeader.TRAILER_LENGTH - length;
      if (length < TransactionHeader.FIXED_LENGTH || start < suspect.position()) {
        return 0;
      }
      if (start == suspect.position()) {
        return complete;
      }
      TransactionHeader header = file.transactionHeader(start);
      if (header.length() != length || !header.hasKnownStatus()) {
        return 0;
      }
      complete++;
      at = start;
    }
    return 0;
  }
}
