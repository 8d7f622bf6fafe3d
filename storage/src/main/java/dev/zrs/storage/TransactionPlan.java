package dev.zrs.storage;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The data records of a transaction, each with its place in the file, before anything is written.
 * Under the commit lock.
 */
final class TransactionPlan {
  private final Tid tid;
  private final long start;
  private final List<PlannedRecord> records = new ArrayList<>();
  private final Map<Oid, PlannedRecord> latest = new HashMap<>();
  private final Set<Oid> undone = new LinkedHashSet<>();
  private final Set<Oid> merged = new LinkedHashSet<>();
  private long next;

  /** They are in memory until they are written. */
  private long mergedBytes;

  /**
   * @param start where the transaction record will begin
   * @param metadataLength of user, description and extension together, in bytes
   */
  TransactionPlan(Tid tid, long start, int metadataLength) {
    this.tid = tid;
    this.start = start;
    this.next = start + TransactionHeader.FIXED_LENGTH + metadataLength;
  }

  Tid tid() {
    return tid;
  }

  /** Where the transaction record will begin. */
  long start() {
    return start;
  }

  /** Where the next data record will begin. */
  long next() {
    return next;
  }

  /** Where the transaction record will end, with the redundant length. */
  long end() {
    return next + TransactionHeader.TRAILER_LENGTH;
  }

  List<PlannedRecord> records() {
    return Collections.unmodifiableList(records);
  }

  /** Adds a record that begins at {@link #next}. */
  void add(PlannedRecord record) {
    addUnseen(record);
    see(record);
  }

  /** Adds a record that {@link #latest} does not give until {@link #see} is called. */
  void addUnseen(PlannedRecord record) {
    records.add(record);
    next += record.length();
  }

  /** Makes a record the object's latest. */
  void see(PlannedRecord record) {
    latest.put(record.oid(), record);
  }

  /** The record that this transaction gives to an object, so far; null if there is none. */
  @Nullable PlannedRecord latest(Oid oid) {
    return latest.get(oid);
  }

  /** The blob files that it brings. Where it changes one several times, the last time counts. */
  Map<AppendedTransaction.Blob, PlannedRecord.BlobChange> blobs() {
    Map<AppendedTransaction.Blob, PlannedRecord.BlobChange> changes = new LinkedHashMap<>();
    for (PlannedRecord record : records) {
      if (!(record.blob() instanceof PlannedRecord.NoBlob)) {
        changes.put(new AppendedTransaction.Blob(record.oid(), record.serial()), record.blob());
      }
    }
    return changes;
  }

  /** The objects that undo changes. */
  Set<Oid> undone() {
    return undone;
  }

  /** Whether the records that are merged, all together, may become longer still. */
  boolean canMerge() {
    return mergedBytes < TransactionBuffer.MEMORY_LIMIT;
  }

  /** Notes the length of a record that was merged. */
  void addMerged(int bytes) {
    mergedBytes += bytes;
  }

  /** The objects whose change is merged with one that was committed since. */
  Set<Oid> merged() {
    return merged;
  }
}
