package dev.zrs.storage;

import dev.zrs.resolution.ConflictResolver;
import dev.zrs.resolution.Resolution;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Checks the steps of a transaction against the current state and plans its records. Under the
 * commit lock.
 */
final class RecordPlanner {
  private final LatestState state;
  private final DataFile file;
  private final TransactionPlan plan;
  private final UndoPlanner undo;
  private final long quota;
  private final Consumer<ConflictException> conflicts;
  private final boolean merges;

  /**
   * @param quota position in the file beyond which no record may begin
   * @param merges whether two changes of one object are merged where that can be done
   * @param conflicts gets changes of objects that are not what they were based on; may throw them
   */
  RecordPlanner(
      LatestState state,
      TransactionPlan plan,
      boolean hasBlobs,
      long quota,
      boolean merges,
      Consumer<ConflictException> conflicts) {
    this.state = state;
    this.file = state.file();
    this.plan = plan;
    this.undo = new UndoPlanner(state, plan, hasBlobs);
    this.quota = quota;
    this.merges = merges;
    this.conflicts = conflicts;
  }

  /**
   * Plans one step.
   *
   * @throws ConflictException if a deleted or checked object is not what the step was based on
   * @throws NoSuchObjectException if an object does not exist that must
   * @throws UndoException if a transaction can't be taken back
   * @throws QuotaExceededException if the file would become too large
   */
  void plan(RecordOperation operation) {
    switch (operation) {
      case RecordOperation.Store store -> store(store);
      case RecordOperation.Delete delete -> delete(delete);
      case RecordOperation.CheckCurrent check -> checkCurrent(check);
      case RecordOperation.Restore restore -> restore(restore);
      case RecordOperation.Undo step -> undo.undo(step.tid());
    }
  }

  private void store(RecordOperation.Store store) {
    DataHeader current = state.header(store.oid());
    Tid committed = state.baseSerial(store.oid(), current);
    if (committed == null && current != null) {
      committed = current.tid();
    }
    BufferedData data = store.data();
    if (committed != null && !committed.equals(store.serial())) {
      byte[] changed = data.get();
      byte[] merged = merges ? merged(store, committed, changed, current) : null;
      if (merged == null) {
        conflicts.accept(conflict(store, committed, changed));
        return;
      }
      plan.addMerged(merged.length);
      data = new BufferedData(merged);
      plan.merged().add(store.oid());
    }
    checkQuota();
    plan.add(
        new PlannedRecord(
            store.oid(),
            plan.tid(),
            plan.next(),
            current == null ? 0 : current.position(),
            data,
            0,
            PlannedRecord.newBlob(store.blob())));
  }

  private static ConflictException conflict(
      RecordOperation.Store store, Tid committed, byte[] changed) {
    return new ConflictException(store.oid(), committed, store.serial(), changed);
  }

  /**
   * Both changes in one record.
   *
   * @param current the object's newest record in the file; null if the base alone has it
   * @return null if only the application can tell, or too much was merged already
   * @throws ConflictException if the application would refuse, too, or the revision on which the
   *     change is based is packed away or deleted
   */
  private byte @Nullable [] merged(
      RecordOperation.Store store, Tid committed, byte[] changed, @Nullable DataHeader current) {
    Oid oid = store.oid();
    if (!ConflictResolver.knows(changed) || !plan.canMerge()) {
      Merging.leave(oid, changed);
      return null;
    }
    byte[] before = revision(oid, store.serial(), current);
    byte[] after = revision(oid, committed, current);
    if (before == null || after == null) {
      Merging.missing(oid, changed);
      throw conflict(store, committed, changed);
    }
    return switch (Merging.merge(oid, before, after, changed)) {
      case Resolution.Resolved(byte[] record) -> record;
      case Resolution.Refused refused -> throw conflict(store, committed, changed);
      case Resolution.Unknown unknown -> null;
    };
  }

  /** The data of an object's revision; null if it has none. */
  private byte @Nullable [] revision(Oid oid, Tid serial, @Nullable DataHeader current) {
    DataHeader header = current == null ? null : inChain(oid, serial, current.position());
    return header == null ? state.baseData(oid, serial) : file.follow(header.position(), header);
  }

  private void delete(RecordOperation.Delete delete) {
    refuseOverBase("deleted", delete.oid());
    long current = state.position(delete.oid());
    if (current == 0) {
      throw new NoSuchObjectException(delete.oid(), "no such object");
    }
    Tid committed = file.dataHeader(current, delete.oid().value()).tid();
    if (!committed.equals(delete.serial())) {
      throw ConflictException.ofDeletion(delete.oid(), committed, delete.serial());
    }
    checkQuota();
    plan.add(
        new PlannedRecord(
            delete.oid(), plan.tid(), plan.next(), current, null, 0, PlannedRecord.NO_BLOB));
  }

  /** What is said of an object in the changes alone does not tell what becomes of the base's. */
  private void refuseOverBase(String what, Oid oid) {
    if (state.base() != null) {
      throw new StorageException(
          "object %s can't be %s: the storage holds changes of a base only".formatted(oid, what));
    }
  }

  private void checkQuota() {
    if (plan.next() > quota) {
      throw new QuotaExceededException();
    }
  }

  private void checkCurrent(RecordOperation.CheckCurrent check) {
    DataHeader header = state.header(check.oid());
    Tid committed = state.baseSerial(check.oid(), header);
    if (committed == null) {
      if (header == null || file.isDeletion(header)) {
        throw new NoSuchObjectException(check.oid(), "no such object");
      }
      committed = header.tid();
    }
    if (!committed.equals(check.serial())) {
      throw new ConflictException(check.oid(), committed, check.serial(), null);
    }
  }

  private void restore(RecordOperation.Restore restore) {
    Oid oid = restore.oid();
    refuseOverBase("restored", oid);
    long current = state.position(oid);
    BufferedData data = restore.data();
    Tid dataTid = restore.dataTid();
    long back = 0;
    if (dataTid != null) {
      back = target(oid, dataTid, current, data == null ? Bytes.EMPTY : data.get());
    }
    plan.add(
        new PlannedRecord(
            oid,
            restore.serial(),
            plan.next(),
            current,
            back == 0 ? data : null,
            back,
            PlannedRecord.newBlob(restore.blob())));
  }

  /**
   * Position of the object's record of transaction {@code tid} if it can serve as the target of a
   * back-pointer for {@code data}: it is a back-pointer itself, or has the same data. Else 0.
   */
  private long target(Oid oid, Tid tid, long current, byte[] data) {
    DataHeader header = record(oid, tid, current);
    if (header == null || !state.canPointTo(header.position())) {
      return 0;
    }
    if (header.hasBackPointer()) {
      return header.position();
    }
    return header.dataLength() == data.length
            && Arrays.equals(file.read(header.dataPosition(), data.length), data)
        ? header.position()
        : 0;
  }

  private @Nullable DataHeader record(Oid oid, Tid tid, long current) {
    DataHeader header = inChain(oid, tid, current);
    return header != null
        ? header
        // Pack clears the pointers to previous records, so the chain may end too early.
        : new TransactionSearch(file, state.end()).lastRecord(tid, oid);
  }

  /** The object's record of transaction {@code tid}, if the later ones lead to it. */
  private @Nullable DataHeader inChain(Oid oid, Tid tid, long current) {
    long position = current;
    while (position != 0) {
      DataHeader header = file.dataHeader(position, oid.value());
      int order = header.tid().compareTo(tid);
      if (order <= 0) {
        return order == 0 ? header : null;
      }
      position = file.previous(header);
    }
    return null;
  }
}
