package dev.zrs.storage;

import dev.zrs.pickle.RecordPickles;
import dev.zrs.resolution.Resolution;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Takes back earlier transactions: for each of their records, a new one that points back to what
 * the object was before. Where a later transaction changed the object too, that change and the way
 * back are merged, if they can be. Equal to Python's FileStorage in what it does and in what it
 * refuses, but that the classes of an application are never merged. Under the commit lock.
 */
final class UndoPlanner {
  private final LatestState state;
  private final DataFile file;
  private final TransactionPlan plan;
  private final boolean hasBlobs;

  UndoPlanner(LatestState state, TransactionPlan plan, boolean hasBlobs) {
    this.state = state;
    this.file = state.file();
    this.plan = plan;
    this.hasBlobs = hasBlobs;
  }

  /** What can be done about one record. */
  private sealed interface Outcome {}

  /** The object goes back to an earlier record; 0 if it is to vanish. */
  private record GoBack(long earlier) implements Outcome {}

  /** A later change of the object is kept. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Merged(byte[] data) implements Outcome {}

  private record Refused(String reason) implements Outcome {}

  /**
   * Plans the records that take back a transaction.
   *
   * @throws UndoException if it can't be taken back; nothing more may be planned then
   */
  void undo(Tid tid) {
    Map<Oid, String> failures = new LinkedHashMap<>();
    List<PlannedRecord> undone = new ArrayList<>();
    TransactionRecord transaction = find(tid);
    DataHeader record = transaction.nextHeader();
    while (record != null) {
      // The last record of an object decides, where a transaction has several.
      failures.remove(record.oid());
      switch (outcome(record)) {
        case GoBack(long earlier) -> undone.add(back(record.oid(), earlier));
        case Merged(byte[] data) ->
            undone.add(planned(record.oid(), new BufferedData(data), 0, PlannedRecord.NO_BLOB));
        case Refused(String reason) -> failures.put(record.oid(), reason);
      }
      record = transaction.nextHeader();
    }
    if (!failures.isEmpty()) {
      throw new UndoException(
          tid,
          failures.entrySet().stream()
              .map(each -> new UndoException.Failure(each.getKey(), each.getValue()))
              .toList());
    }
    for (PlannedRecord planned : undone) {
      plan.see(planned);
      plan.undone().add(planned.oid());
    }
  }

  private TransactionRecord find(Tid tid) {
    long position = new TransactionSearch(file, state.end()).positionAfter(tid.previous());
    TransactionCursor cursor =
        new TransactionCursor(file, new RecordWindow(file, RecordWindow.SMALL), position);
    TransactionRecord transaction = cursor.next(state.end());
    if (transaction == null || !transaction.tid().equals(tid)) {
      throw new UndoException(tid, "Invalid transaction id");
    }
    if (transaction.status() != TransactionHeader.STATUS_NORMAL) {
      throw new UndoException(tid, "non-undoable transaction");
    }
    return transaction;
  }

  private Outcome outcome(DataHeader undone) {
    if (!isLatest(undone) && !sameDataAsLatest(undone)) {
      if (undone.previous() == 0) {
        return new Refused("Can't undo an add transaction followed by conflicting transactions.");
      }
      return merged(undone);
    }
    return new GoBack(file.previous(undone));
  }

  private Outcome merged(DataHeader undone) {
    if (!plan.canMerge()) {
      return new Refused(
          "More would have to be merged with later changes than memory is set aside for");
    }
    byte[] old = file.follow(undone.position(), undone);
    byte[] latest = latestData(undone);
    byte[] earlier = file.follow(file.previous(undone), undone);
    if (old != null
        && latest != null
        && earlier != null
        && Merging.merge(undone.oid(), old, latest, earlier)
            instanceof Resolution.Resolved(byte[] data)) {
      plan.addMerged(data.length);
      return new Merged(data);
    }
    return new Refused("Some data were modified by a later transaction");
  }

  /** Whether the object's latest record is this one, or points to it. */
  private boolean isLatest(DataHeader undone) {
    PlannedRecord planned = plan.latest(undone.oid());
    if (planned != null) {
      return planned.data() == null && planned.backPointer() == undone.position();
    }
    long current = state.position(undone.oid());
    if (current == undone.position()) {
      return true;
    }
    if (current == 0) {
      return false;
    }
    DataHeader header = file.dataHeader(current, undone.oid().value());
    return header.hasBackPointer() && file.backPointer(header) == undone.position();
  }

  private boolean sameDataAsLatest(DataHeader undone) {
    byte[] data = file.follow(undone.position(), undone);
    return data != null && Arrays.equals(data, latestData(undone));
  }

  private byte @Nullable [] latestData(DataHeader undone) {
    PlannedRecord planned = plan.latest(undone.oid());
    if (planned == null) {
      return file.follow(state.position(undone.oid()), undone);
    }
    BufferedData data = planned.data();
    return data != null ? data.get() : file.follow(planned.backPointer(), undone);
  }

  private PlannedRecord planned(
      Oid oid, @Nullable BufferedData data, long backPointer, PlannedRecord.BlobChange blob) {
    PlannedRecord planned =
        new PlannedRecord(
            oid, plan.tid(), plan.next(), state.position(oid), data, backPointer, blob);
    plan.addUnseen(planned);
    return planned;
  }

  private PlannedRecord back(Oid oid, long earlier) {
    DataHeader origin = earlier == 0 ? null : file.origin(earlier, oid.value());
    byte[] data = origin == null ? null : file.data(origin);
    Revision base = data == null ? state.baseRevision(oid) : null;
    if (base != null) {
      return back(oid, base);
    }
    boolean isBlob = hasBlobs && data != null && RecordPickles.isBlob(data);
    boolean point = state.canPointTo(earlier);
    return planned(
        oid,
        data == null || point ? null : new BufferedData(data),
        point ? earlier : 0,
        isBlob
            ? new PlannedRecord.SameBlob(Objects.requireNonNull(origin).tid())
            : PlannedRecord.NO_BLOB);
  }

  /**
   * The base's state once more: a record that it is not in the changes would take its serial back.
   */
  private PlannedRecord back(Oid oid, Revision base) {
    PlannedRecord.BlobChange blob =
        hasBlobs && RecordPickles.isBlob(base.data())
            ? new PlannedRecord.BaseBlob(state.baseBlob(oid, base.serial()))
            : PlannedRecord.NO_BLOB;
    return planned(oid, new BufferedData(base.data()), 0, blob);
  }
}
