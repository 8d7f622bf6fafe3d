package dev.zrs.storage;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a server offers to its clients: a file storage, one that keeps changes apart from what they
 * are based on, or one of these with records in another form. Any thread may call any method,
 * except that a {@link TransactionBuffer} belongs to one at a time. Every method may throw a {@link
 * StorageException}, if the storage is closed or its file can't be read.
 */
public sealed interface Storage extends AutoCloseable
    permits FileStorage, DemoStorage, LayeredStorage {
  /** What ZODB calls the storage's name. */
  String name();

  /** Whether no transaction can begin. */
  boolean isReadOnly();

  /** Why the storage stopped writing, if it has. */
  Optional<StorageException> failure();

  /** Size of the data in bytes, as Python counts it. */
  long size();

  /** How many objects there are, as Python counts them. */
  long objectCount();

  /** Where the blobs of new transactions go; empty if it takes none. */
  Optional<BlobDirectory> blobs();

  /**
   * The file with the content of one revision of a blob.
   *
   * @return empty if there is none
   */
  Optional<Path> blobFile(Oid oid, Tid serial);

  /** The last transaction that is durable and visible; {@link Tid#NONE} in an empty storage. */
  Tid lastTransaction();

  /** Tells each transaction when it is durable and visible. */
  CommitFeed feed();

  /** What a vote waits for. */
  CommitLock commitLock();

  /**
   * An oid that nobody has.
   *
   * @throws ReadOnlyStorageException if the storage is read-only
   */
  Oid newOid();

  /** Whether there is or was such an object. */
  boolean knows(Oid oid);

  /**
   * The state of an object just before a transaction.
   *
   * @return null if the object exists, but did not yet
   * @throws NoSuchObjectException if there is no such object, or its creation is undone
   */
  @Nullable Revision loadBefore(Oid oid, Tid before);

  /**
   * The state that one transaction gave to an object.
   *
   * @throws NoSuchObjectException if that transaction did not change it
   */
  byte[] loadSerial(Oid oid, Tid serial);

  /**
   * The serial of an object's current state.
   *
   * @throws NoSuchObjectException if there is no such object, or its creation is undone
   */
  Tid currentSerial(Oid oid);

  /**
   * The current record of the object with the smallest oid from {@code first} on; for going through
   * all objects.
   *
   * @return null if there is no such object
   * @throws NoSuchObjectException if that object's creation is undone
   * @throws UnsupportedOperationException if the storage holds changes of a base
   */
  @Nullable CurrentRecord recordFrom(Oid first);

  /**
   * The last revisions of an object, the newest first; also those that undo or delete it.
   *
   * @param size how many at most
   * @throws NoSuchObjectException if there is no such object
   */
  List<HistoryEntry> history(Oid oid, int size);

  /**
   * Transactions that might be undone, the newest first: those that were committed since the last
   * pack.
   *
   * @param first how many of them to pass over
   * @param last which to stop before, counted as {@code first} is
   * @param filter which of them count
   */
  List<UndoableTransaction> undoLog(long first, long last, Predicate<UndoableTransaction> filter);

  /**
   * What this storage can say of a transaction that somebody else has. It can take long.
   *
   * @throws StorageException if {@code wanted} is false before it is known
   */
  Ancestry ancestry(Tid tid, BooleanSupplier wanted);

  /**
   * The objects that were changed by transactions after {@code after} and up to {@code upTo}.
   *
   * @param limit how many objects may be named; empty if there are more
   * @throws StorageException if {@code wanted} is false before it is known
   */
  Optional<Set<Oid>> changedAfter(Tid after, Tid upTo, int limit, BooleanSupplier wanted);

  /** The last {@code count} transactions, or as many as there are, oldest first. */
  List<Commit> lastCommits(int count);

  /**
   * Reads the transactions from {@code start} to {@code stop}, both included if they exist, as far
   * as they are committed now.
   */
  Transactions transactions(Tid start, Tid stop);

  /**
   * Begins to collect a transaction. Takes no lock.
   *
   * @param tid later than the last transaction's at the vote; null for one of the storage's choice
   * @param status a space, except for transactions of other storages
   * @param origin given back in the {@link Commit}, so that a follower knows its own
   * @throws ReadOnlyStorageException if the storage is read-only
   */
  TransactionBuffer begin(
      TransactionMetadata metadata, @Nullable Tid tid, char status, @Nullable Object origin);

  /**
   * Waits for the commit lock, checks the transaction against the current state and appends it. If
   * this fails, the lock is free and nothing is left of the transaction. Where a change is in
   * conflict with a later one the transaction can be mended and voted again: {@link
   * UnresolvedConflicts} says how. Conflicts of deletions and of objects that were only read, and
   * changes of more than {@value TransactionBuffer#MEMORY_LIMIT} bytes in conflict, are exceptions.
   *
   * @param claim a fresh one, or the one that the transaction's last vote left with the lock
   * @throws ConflictException if an object was changed since it was read; the serial that it names
   *     is visible
   * @throws NoSuchObjectException if an object that must be current does not exist
   * @throws UndoException if a transaction can't be undone
   * @throws QuotaExceededException if the file would become too large
   * @throws CommitLock.CancelledException if the wait was ended
   * @throws StorageException if it can't be written
   */
  Vote tryVote(TransactionBuffer buffer, CommitLock.Claim claim);

  /**
   * Removes revisions that were not current at {@code packTime}, while others go on to read and to
   * commit. Returns when it is done.
   *
   * @throws StorageException if another pack runs, or if it fails: then nothing is changed
   * @throws NoSuchObjectException if garbage is to be collected, and there was no root object
   */
  PackReport pack(Tid packTime);

  /**
   * Ends it; again is harmless.
   *
   * @throws StorageException if something of it failed; all the rest is done even so
   */
  @Override
  void close();
}
