package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes transaction records at the end of the file. All of it happens under the commit lock, which
 * guards every field but {@code failure}.
 */
final class Appender {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final int WRITE_SIZE = 256 << 10;

  /** Takes no conflict. */
  static final Consumer<ConflictException> REFUSE =
      conflict -> {
        throw conflict;
      };

  private final PendingTransactions pending;
  private final Optional<BlobDirectory> blobs;
  private final InstantSource clock;
  private final AtomicLong maxOid;
  private final long quota;
  private final @Nullable Storage base;
  private DataFile file;
  private ObjectIndex index;
  private long end;
  private Tid lastTid;
  private long backPointerFloor;
  private volatile @Nullable StorageException failure;

  /**
   * @param lastTid what the next transaction must be later than
   * @param quota position in the file beyond which no record may begin
   * @param base what the transactions are changes of, if they are that
   */
  Appender(
      FileGeneration generation,
      Tid lastTid,
      PendingTransactions pending,
      Optional<BlobDirectory> blobs,
      InstantSource clock,
      AtomicLong maxOid,
      long quota,
      @Nullable Storage base) {
    this.pending = pending;
    this.blobs = blobs;
    this.clock = clock;
    this.maxOid = maxOid;
    this.quota = quota;
    this.base = base;
    this.file = generation.file();
    this.index = generation.index();
    this.end = generation.visibleEnd();
    this.lastTid = lastTid;
  }

  /** Goes on in a packed file, which holds all transactions, visible ones only. */
  void moveTo(FileGeneration generation) {
    file = generation.file();
    index = generation.index();
    end = generation.visibleEnd();
    backPointerFloor = 0;
  }

  /**
   * Has undo and restore copy data that stand before a position, instead of pointing to them: while
   * a pack is under way, which may leave them out. 0 ends it.
   */
  void setBackPointerFloor(long position) {
    backPointerFloor = position;
  }

  /** Where the next transaction record will begin. */
  long end() {
    return end;
  }

  /** Tid of the newest transaction, pending ones included. */
  Tid lastTid() {
    return lastTid;
  }

  /**
   * Checks a transaction against the current state and writes it at the end of the file, with its
   * blobs; the next one still goes to the same place, until {@link #accept}. If this fails nothing
   * is left of it.
   *
   * @param status what to write as the status; {@code c} for one that is not finished
   */
  AppendedTransaction append(TransactionBuffer buffer, char status) {
    return append(plan(buffer, REFUSE), buffer, status);
  }

  /** As the other one, for a transaction that has been checked since the lock was taken. */
  AppendedTransaction append(TransactionPlan plan, TransactionBuffer buffer, char status) {
    AppendedTransaction appended = new AppendedTransaction(plan, buffer.origin());
    boolean complete = false;
    try {
      write(buffer.metadata(), status, plan);
      commitBlobs(plan, appended);
      complete = true;
      return appended;
    } catch (IOException e) {
      throw new StorageIoException("append", file.path(), e);
    } finally {
      if (!complete) {
        rollBack(appended);
      }
    }
  }

  /** Fixes the place of an appended transaction in the order. */
  void accept(AppendedTransaction appended) {
    end = appended.end();
    lastTid = appended.tid();
  }

  /** Goes back to an earlier end, after everything behind it was rolled back. */
  void reset(long earlierEnd, Tid earlierTid) {
    end = earlierEnd;
    lastTid = earlierTid;
  }

  /**
   * Takes an appended transaction, and everything after it, out of the file again. If that fails
   * nothing may be appended any more: what a shorter transaction would leave of this one behind its
   * own end could be taken for a record.
   */
  void rollBack(AppendedTransaction appended) {
    try {
      file.file().truncate(appended.position(), "truncate aborted transaction");
      for (AppendedTransaction.Blob blob : appended.blobs()) {
        directory().remove(blob.oid(), blob.serial());
      }
    } catch (IOException e) {
      failure = new StorageIoException("taking back an aborted transaction", file.path(), e);
      LOG.error("{}", failure.getMessage());
    }
  }

  /** Why nothing may be appended any more; null while all is well. Any thread. */
  @Nullable StorageException failure() {
    return failure;
  }

  private Tid chooseTid(TransactionBuffer buffer) {
    Tid wanted = buffer.tid();
    if (wanted == null) {
      if (lastTid.value() == -1) {
        // The next would be 0. A client or an upstream may have chosen the last one.
        throw new StorageException("there is no tid after the last transaction's, " + lastTid);
      }
      return Tid.of(clock.instant()).laterThan(lastTid);
    }
    if (wanted.compareTo(lastTid) <= 0) {
      throw new StorageException(
          "transaction %s is not later than the last one, %s".formatted(wanted, lastTid));
    }
    return wanted;
  }

  /**
   * Checks a transaction against the current state and plans its records.
   *
   * @param conflicts gets changes of objects that are not what they were based on, and may throw
   *     them; if it keeps any the plan is of no use
   */
  TransactionPlan plan(TransactionBuffer buffer, Consumer<ConflictException> conflicts) {
    TransactionPlan plan = new TransactionPlan(chooseTid(buffer), end, buffer.metadata().length());
    LatestState state = new LatestState(file, index, pending, end, backPointerFloor, base);
    RecordPlanner planner =
        new RecordPlanner(
            state, plan, blobs.isPresent(), quota, buffer.mergesConflicts(), conflicts);
    buffer.operations().forEach(planner::plan);
    for (PlannedRecord planned : plan.records()) {
      maxOid.accumulateAndGet(
          planned.oid().value(), (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b);
    }
    return plan;
  }

  private void write(TransactionMetadata metadata, char status, TransactionPlan plan)
      throws IOException {
    long length = plan.end() - plan.start() - TransactionHeader.TRAILER_LENGTH;
    BufferedOutput output =
        new BufferedOutput(
            file.file(),
            plan.start(),
            "append transaction",
            (int) Math.min(plan.end() - plan.start(), WRITE_SIZE));
    output.put(TransactionHeader.format(plan.tid(), length, status, metadata));
    byte[] header = new byte[DataHeader.LENGTH];
    for (PlannedRecord planned : plan.records()) {
      BufferedData data = planned.data();
      DataHeader.format(
          header,
          0,
          planned.oid(),
          planned.serial(),
          planned.previous(),
          plan.start(),
          data == null ? 0 : data.length());
      output.put(header);
      output.put(data == null ? Bytes.ofLong(planned.backPointer()) : data.get());
    }
    output.putLong(length);
    output.flush();
  }

  private void commitBlobs(TransactionPlan plan, AppendedTransaction appended) throws IOException {
    for (var entry : plan.blobs().entrySet()) {
      Oid oid = entry.getKey().oid();
      Tid serial = entry.getKey().serial();
      // Before it is tried: what fails half way must be taken back too.
      appended.blobs().add(entry.getKey());
      switch (entry.getValue()) {
        case PlannedRecord.NewBlob(Path temporary) -> directory().commit(temporary, oid, serial);
        case PlannedRecord.BaseBlob(Path file) -> directory().copyFrom(file, oid, serial);
        case PlannedRecord.SameBlob(Tid earlier) -> directory().repeat(oid, earlier, serial);
        case PlannedRecord.NoBlob none -> throw new IllegalStateException("no blob to commit");
      }
    }
  }

  private BlobDirectory directory() {
    return blobs.orElseThrow(TransactionBuffer::noBlobs);
  }
}
