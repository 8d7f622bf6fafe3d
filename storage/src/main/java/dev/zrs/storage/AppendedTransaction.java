package dev.zrs.storage;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A transaction that stands at the end of the file: what of it goes into the index. Immutable once
 * the appender has given it out.
 */
final class AppendedTransaction {
  private final Tid tid;
  private final long position;
  private final long end;
  private final @Nullable Object origin;
  private final long[] oids;
  private final long[] positions;
  private final List<Oid> undone;
  private final List<Oid> merged;
  private final List<Blob> blobs = new ArrayList<>();

  /** A blob file that this transaction brought. */
  record Blob(Oid oid, Tid serial) {}

  AppendedTransaction(TransactionPlan plan, @Nullable Object origin) {
    List<PlannedRecord> records = plan.records();
    this.tid = plan.tid();
    this.position = plan.start();
    this.end = plan.end();
    this.origin = origin;
    this.undone = List.copyOf(plan.undone());
    this.merged = List.copyOf(plan.merged());
    this.oids = new long[records.size()];
    this.positions = new long[records.size()];
    for (int i = 0; i < oids.length; i++) {
      oids[i] = records.get(i).oid().value();
      positions[i] = records.get(i).position();
    }
  }

  Tid tid() {
    return tid;
  }

  long position() {
    return position;
  }

  long end() {
    return end;
  }

  /** How many data records it has. */
  int size() {
    return oids.length;
  }

  long oid(int record) {
    return oids[record];
  }

  /** Where the data record begins. */
  long recordPosition(int record) {
    return positions[record];
  }

  /** The objects that undo changed. */
  List<Oid> undone() {
    return undone;
  }

  /** The objects whose change was merged with another. */
  List<Oid> merged() {
    return merged;
  }

  List<Blob> blobs() {
    return blobs;
  }

  /** As the commit feed tells it. */
  Commit commit() {
    Set<Oid> changed = LinkedHashSet.newLinkedHashSet(oids.length);
    for (long oid : oids) {
      changed.add(new Oid(oid));
    }
    return new Commit(tid, List.copyOf(changed), origin);
  }
}
