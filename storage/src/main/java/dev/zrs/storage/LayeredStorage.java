package dev.zrs.storage;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A storage whose records are in another form than those that go in and come out. All else is the
 * storage's below, which can be used itself at the same time, for what is to have records as they
 * stand in the file: replication does. Any thread may call any method, except that a {@link
 * TransactionBuffer} belongs to one at a time.
 */
public final class LayeredStorage implements Storage {
  private final Storage base;
  private final RecordLayer layer;

  /**
   * @param base closed with this
   */
  public LayeredStorage(Storage base, RecordLayer layer) {
    this.base = base;
    this.layer = layer;
  }

  /** The storage below. */
  public Storage base() {
    return base;
  }

  private byte[] loaded(byte[] record, Oid oid, Tid serial) {
    return layer.loaded(record, base.name(), oid, serial);
  }

  @Override
  public String name() {
    return base.name();
  }

  @Override
  public boolean isReadOnly() {
    return base.isReadOnly();
  }

  @Override
  public Optional<StorageException> failure() {
    return base.failure();
  }

  @Override
  public long size() {
    return base.size();
  }

  @Override
  public long objectCount() {
    return base.objectCount();
  }

  @Override
  public Optional<BlobDirectory> blobs() {
    return base.blobs();
  }

  @Override
  public Optional<Path> blobFile(Oid oid, Tid serial) {
    return base.blobFile(oid, serial);
  }

  @Override
  public Tid lastTransaction() {
    return base.lastTransaction();
  }

  @Override
  public CommitFeed feed() {
    return base.feed();
  }

  @Override
  public CommitLock commitLock() {
    return base.commitLock();
  }

  @Override
  public Oid newOid() {
    return base.newOid();
  }

  @Override
  public boolean knows(Oid oid) {
    return base.knows(oid);
  }

  @Override
  public @Nullable Revision loadBefore(Oid oid, Tid before) {
    Revision revision = base.loadBefore(oid, before);
    return revision == null
        ? null
        : new Revision(
            loaded(revision.data(), oid, revision.serial()), revision.serial(), revision.end());
  }

  @Override
  public byte[] loadSerial(Oid oid, Tid serial) {
    return loaded(base.loadSerial(oid, serial), oid, serial);
  }

  @Override
  public Tid currentSerial(Oid oid) {
    return base.currentSerial(oid);
  }

  @Override
  public @Nullable CurrentRecord recordFrom(Oid first) {
    CurrentRecord record = base.recordFrom(first);
    return record == null
        ? null
        : new CurrentRecord(
            record.oid(),
            record.tid(),
            loaded(record.data(), record.oid(), record.tid()),
            record.next());
  }

  /** The sizes in it are those of the records in the file, as in Python. */
  @Override
  public List<HistoryEntry> history(Oid oid, int size) {
    return base.history(oid, size);
  }

  @Override
  public List<UndoableTransaction> undoLog(
      long first, long last, Predicate<UndoableTransaction> filter) {
    return base.undoLog(first, last, filter);
  }

  @Override
  public Ancestry ancestry(Tid tid, BooleanSupplier wanted) {
    return base.ancestry(tid, wanted);
  }

  @Override
  public Optional<Set<Oid>> changedAfter(Tid after, Tid upTo, int limit, BooleanSupplier wanted) {
    return base.changedAfter(after, upTo, limit, wanted);
  }

  @Override
  public List<Commit> lastCommits(int count) {
    return base.lastCommits(count);
  }

  @Override
  public Transactions transactions(Tid start, Tid stop) {
    return new LayeredTransactions(base.transactions(start, stop), layer);
  }

  @Override
  public TransactionBuffer begin(
      TransactionMetadata metadata, @Nullable Tid tid, char status, @Nullable Object origin) {
    TransactionBuffer buffer = base.begin(metadata, tid, status, origin);
    buffer.addLayer(layer);
    return buffer;
  }

  @Override
  public Vote tryVote(TransactionBuffer buffer, CommitLock.Claim claim) {
    try {
      return switch (base.tryVote(buffer, claim)) {
        case VotedTransaction voted -> voted;
        case UnresolvedConflicts found ->
            new UnresolvedConflicts(found.conflicts().stream().map(this::loaded).toList());
      };
    } catch (ConflictException e) {
      throw loaded(e);
    }
  }

  /** Who mends a change gets it in the form in which it was stored. */
  private ConflictException loaded(ConflictException conflict) {
    byte[] data = conflict.data();
    return data == null
        ? conflict
        : conflict.withData(loaded(data, conflict.oid(), conflict.read()));
  }

  @Override
  public PackReport pack(Tid packTime) {
    return base.pack(packTime);
  }

  @Override
  public void close() {
    base.close();
  }
}
