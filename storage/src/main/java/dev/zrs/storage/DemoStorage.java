package dev.zrs.storage;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps changes in a file storage of their own, apart from a base that is only read, as Python's
 * DemoStorage does. Objects are looked for in the changes first. Size, number of objects, undo and
 * pack are those of the changes. Any thread may call.
 *
 * <p>Undo of the first change of an object gives it the base's state as a new revision, where
 * Python writes that there is no such object in the changes. So a serial never goes back, and the
 * object can be changed again. Objects can't be deleted: those of the base would come back.
 *
 * <p>As in Python, what a pack removes from the changes is missing in looks back to the time before
 * the pack: they may find the base's state instead.
 */
public final class DemoStorage implements Storage {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.DemoStorage");

  /** Where oids begin at random: below a quarter of all, as in Python. */
  private static final long FIRST_OIDS = 1L << 62;

  private final String name;
  private final Storage base;
  private final FileStorage changes;
  private final boolean undo;

  /** Guards {@link #nextOid}. */
  private final ReentrantLock oids = new ReentrantLock();

  private long nextOid = randomOid();

  private DemoStorage(String name, Storage base, FileStorage changes, boolean undo) {
    this.name = name;
    this.base = base;
    this.changes = changes;
    this.undo = undo;
  }

  /**
   * Opens the storage of the changes over a base.
   *
   * @param base stays open when this is closed; nobody may write to it
   * @param options of the changes; a pack of them collects no garbage, whatever they say
   * @param undo whether transactions can be taken back
   * @param clock what tids are made of; they are later than the base's
   * @throws StorageException as {@link FileStorage#open}
   */
  public static DemoStorage open(
      String name,
      Storage base,
      StorageOptions options,
      boolean undo,
      Disk disk,
      InstantSource clock) {
    FileStorage changes = FileStorage.open(options, disk, clock, base);
    warnOfOrder(base, changes);
    return new DemoStorage(name, base, changes, undo);
  }

  /** The base may have been replaced by a later copy since the changes were made. */
  private static void warnOfOrder(Storage base, FileStorage changes) {
    try (Transactions transactions = changes.transactions(Tid.NONE, Tid.MAX)) {
      TransactionRecord first = transactions.next();
      if (first != null && first.tid().compareTo(base.lastTransaction()) <= 0) {
        LOG.warn(
            "{} has transactions until {}, which is after the first of its changes in {}, {}: what"
                + " is read of it may not fit together",
            base.name(),
            base.lastTransaction().toUtcText(),
            changes.name(),
            first.tid().toUtcText());
      }
    }
  }

  /** Whether transactions can be taken back. */
  public boolean supportsUndo() {
    return undo;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean isReadOnly() {
    return changes.isReadOnly();
  }

  @Override
  public Optional<StorageException> failure() {
    return changes.failure();
  }

  @Override
  public long size() {
    return changes.size();
  }

  @Override
  public long objectCount() {
    return changes.objectCount();
  }

  @Override
  public Optional<BlobDirectory> blobs() {
    return changes.blobs();
  }

  @Override
  public Optional<Path> blobFile(Oid oid, Tid serial) {
    return changes.blobFile(oid, serial).or(() -> base.blobFile(oid, serial));
  }

  @Override
  public Tid lastTransaction() {
    Tid last = changes.lastTransaction();
    Tid ofBase = base.lastTransaction();
    return last.compareTo(ofBase) >= 0 ? last : ofBase;
  }

  @Override
  public CommitFeed feed() {
    return changes.feed();
  }

  @Override
  public CommitLock commitLock() {
    return changes.commitLock();
  }

  /**
   * One after the other from a random place on, as Python gives them: what is in use now says
   * nothing about what the base's own clients create.
   */
  @Override
  public Oid newOid() {
    changes.requireWritable();
    oids.lock();
    try {
      while (knows(new Oid(nextOid))) {
        nextOid = randomOid();
      }
      return new Oid(nextOid++);
    } finally {
      oids.unlock();
    }
  }

  private static long randomOid() {
    return ThreadLocalRandom.current().nextLong(1, FIRST_OIDS);
  }

  @Override
  public boolean knows(Oid oid) {
    return changes.knows(oid) || base.knows(oid);
  }

  @Override
  public @Nullable Revision loadBefore(Oid oid, Tid before) {
    Revision changed;
    try {
      changed = changes.loadBefore(oid, before);
    } catch (NoSuchObjectException e) {
      return base.loadBefore(oid, before);
    }
    return changed == null ? untilChanged(oid, before) : changed;
  }

  /** The base's state of an object that was changed, but not before {@code before}. */
  private @Nullable Revision untilChanged(Oid oid, Tid before) {
    try {
      Revision revision = base.loadBefore(oid, before);
      return revision == null || revision.end() != null
          ? revision
          : new Revision(revision.data(), revision.serial(), changes.firstSerial(oid));
    } catch (NoSuchObjectException e) {
      return null;
    }
  }

  @Override
  public byte[] loadSerial(Oid oid, Tid serial) {
    try {
      return changes.loadSerial(oid, serial);
    } catch (NoSuchObjectException e) {
      return base.loadSerial(oid, serial);
    }
  }

  @Override
  public Tid currentSerial(Oid oid) {
    try {
      return changes.currentSerial(oid);
    } catch (NoSuchObjectException e) {
      return base.currentSerial(oid);
    }
  }

  @Override
  public @Nullable CurrentRecord recordFrom(Oid first) {
    throw new UnsupportedOperationException("the objects of a base can't be gone through");
  }

  @Override
  public List<HistoryEntry> history(Oid oid, int size) {
    List<HistoryEntry> entries = new ArrayList<>();
    if (changes.knows(oid)) {
      entries.addAll(changes.history(oid, size));
    }
    if (entries.size() < size && (entries.isEmpty() || base.knows(oid))) {
      entries.addAll(base.history(oid, size - entries.size()));
    }
    return entries;
  }

  @Override
  public List<UndoableTransaction> undoLog(
      long first, long last, Predicate<UndoableTransaction> filter) {
    return changes.undoLog(first, last, filter);
  }

  @Override
  public Ancestry ancestry(Tid tid, BooleanSupplier wanted) {
    if (tid.compareTo(base.lastTransaction()) <= 0) {
      Ancestry found = base.ancestry(tid, wanted);
      if (found != Ancestry.UNKNOWN) {
        return found;
      }
    }
    return changes.ancestry(tid, wanted);
  }

  @Override
  public Optional<Set<Oid>> changedAfter(Tid after, Tid upTo, int limit, BooleanSupplier wanted) {
    Optional<Set<Oid>> below = base.changedAfter(after, upTo, limit, wanted);
    Optional<Set<Oid>> above = changes.changedAfter(after, upTo, limit, wanted);
    if (below.isEmpty() || above.isEmpty()) {
      return Optional.empty();
    }
    Set<Oid> all = new LinkedHashSet<>(below.get());
    all.addAll(above.get());
    return all.size() > limit ? Optional.empty() : Optional.of(all);
  }

  @Override
  public List<Commit> lastCommits(int count) {
    List<Commit> all = new ArrayList<>(base.lastCommits(count));
    all.addAll(changes.lastCommits(count));
    all.sort(Comparator.comparing(Commit::tid));
    return all.subList(Math.max(0, all.size() - count), all.size());
  }

  @Override
  public Transactions transactions(Tid start, Tid stop) {
    return new ChainedTransactions(
        base.transactions(start, stop), () -> changes.transactions(start, stop));
  }

  @Override
  public TransactionBuffer begin(
      TransactionMetadata metadata, @Nullable Tid tid, char status, @Nullable Object origin) {
    return changes.begin(metadata, tid, status, origin);
  }

  @Override
  public Vote tryVote(TransactionBuffer buffer, CommitLock.Claim claim) {
    return changes.tryVote(buffer, claim);
  }

  /** Packs the changes, without a look for garbage: what the base refers to can't be told. */
  @Override
  public PackReport pack(Tid packTime) {
    return changes.pack(packTime);
  }

  /** Closes the changes; the base stays open. */
  @Override
  public void close() {
    changes.close();
  }
}
