package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A ZODB file storage: a {@code Data.fs}, its index and its blobs, as Python's FileStorage has
 * them. Any thread may call any method, except that a {@link TransactionBuffer} belongs to one at a
 * time.
 *
 * <p>How a commit becomes durable. {@code Data.fs} has no checksums: with a single sync after the
 * status byte is set, a power cut could keep that byte and lose a page in the middle of the record,
 * and half a transaction would look whole. So there are two barriers. The vote appends the record
 * with status {@code c} and asks for a sync; the finish waits for it, overwrites the status byte,
 * and asks for another. From then on the transaction's place in the order is fixed: the commit lock
 * is let go, and the transaction is <em>pending</em>, seen by the conflict checks of the next ones
 * but by no reader, until the second sync returns. The sync thread serves all that have asked with
 * one sync, then makes the transactions visible in their order. The status byte of a later
 * transaction is only written after the sync of its own record, which was asked for after the
 * status byte of the earlier one was written; so no crash can keep a later transaction and lose an
 * earlier.
 */
public final class FileStorage implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** How long {@link #close} waits for a transaction that is voted but not finished. */
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);

  private final StorageOptions options;
  private final IndexSaver indexSaver;
  private final Optional<BlobDirectory> blobs;
  private final Optional<Disk.Lock> lock;
  private final Disk disk;
  private final CatchUpMarker catchUpMarker;
  private final CommitLock commitLock = new CommitLock();
  private final PendingTransactions pending = new PendingTransactions();

  /** Held while a pack runs. */
  private final ReentrantLock packing = new ReentrantLock();

  /** What a pack waits with for the commit lock, so that closing can end the wait. */
  private volatile CommitLock.@Nullable Claim packClaim;

  private final AtomicLong maxOid;
  private final Appender appender;
  private final Syncer syncer;
  private final CommitFeed feed;

  /** What readers read. Replaced by a pack, under the commit lock while nothing is pending. */
  private volatile FileGeneration current;

  private volatile Tid lastTransaction;
  private volatile @Nullable StorageException failure;
  private volatile boolean closed;

  FileStorage(
      StorageOptions options,
      OpenedFiles files,
      Optional<BlobDirectory> blobs,
      CatchUpMarker catchUpMarker,
      Disk disk,
      InstantSource clock) {
    this.options = options;
    this.disk = disk;
    this.current = files.generation();
    this.indexSaver = new IndexSaver(files.indexFile(), this::enter);
    this.lock = files.lock();
    this.blobs = blobs;
    this.catchUpMarker = catchUpMarker;
    this.lastTransaction = files.lastTid();
    this.maxOid = new AtomicLong(current.index().maxOid());
    this.feed = new CommitFeed(files.lastTid());
    this.appender =
        new Appender(current, files.lastTid(), pending, blobs, clock, maxOid, options.quota());
    this.syncer = new Syncer(options.file(), new SyncTarget());
  }

  /** What opening the files gives. */
  record OpenedFiles(
      FileGeneration generation, IndexFile indexFile, Tid lastTid, Optional<Disk.Lock> lock) {}

  /**
   * Opens a storage, creating the file if there is none. Reads the saved index if it is right, else
   * the whole file. An unfinished transaction at the end is cut off and kept beside the file, in
   * {@code Data.fs.tr0} or the next free number.
   *
   * @param clock what tids are made of
   * @throws StorageLockedException if another process has it open for writing
   * @throws CorruptDataException if the file is damaged
   * @throws StorageException for anything else that prevents it
   */
  public static FileStorage open(StorageOptions options, Disk disk, InstantSource clock) {
    return new StorageOpener(options, disk, clock).open();
  }

  /** The path of the file, as configured: what ZODB calls the storage's name. */
  public String name() {
    return options.file().toString();
  }

  public boolean isReadOnly() {
    return options.readOnly();
  }

  public Optional<BlobDirectory> blobs() {
    return blobs;
  }

  /** The last transaction that is durable and visible; {@link Tid#NONE} in an empty storage. */
  public Tid lastTransaction() {
    return lastTransaction;
  }

  /** Size of the file up to the end of the last visible transaction, in bytes. */
  public long size() {
    return current.visibleEnd();
  }

  /** How many objects there are, deleted ones included, as FileStorage counts. */
  public long objectCount() {
    return current.index().size();
  }

  public CommitFeed feed() {
    return feed;
  }

  public CommitLock commitLock() {
    return commitLock;
  }

  /** Why the storage stopped writing, if it has. */
  public Optional<StorageException> failure() {
    return Optional.ofNullable(failure != null ? failure : appender.failure());
  }

  /**
   * An oid that nobody has.
   *
   * @throws ReadOnlyStorageException if the storage is read-only
   * @throws StorageException if the last possible oid is in use
   */
  public Oid newOid() {
    requireWritable();
    return new Oid(
        maxOid.updateAndGet(
            last -> {
              if (last == -1) {
                // The next would be 0, the root object. A client may have chosen the last oid.
                throw new StorageException(name() + " has no more oids: the last one is in use");
              }
              return last + 1;
            }));
  }

  /** The present file, which the caller must leave. */
  private FileGeneration enter() {
    FileGeneration generation = current;
    while (!generation.enter()) {
      // A pack has just replaced it, unless the storage is closed for good.
      if (generation == current) {
        throw closed();
      }
      generation = current;
    }
    return generation;
  }

  private FileGeneration enterUnlessClosed() {
    if (closed) {
      throw closed();
    }
    return enter();
  }

  private StorageException closed() {
    return new StorageException(name() + " is closed");
  }

  /** Reads in the present file, which stays open meanwhile. */
  <T extends @Nullable Object> T read(Function<FileGeneration, T> call) {
    FileGeneration generation = enterUnlessClosed();
    try {
      return call.apply(generation);
    } finally {
      generation.leave();
    }
  }

  /**
   * The state of an object just before a transaction.
   *
   * @return null if the object exists, but did not yet
   * @throws NoSuchObjectException if there is no such object, or its creation is undone
   */
  public @Nullable Revision loadBefore(Oid oid, Tid before) {
    return read(generation -> generation.loadBefore(oid, before));
  }

  /**
   * The state that one transaction gave to an object.
   *
   * @throws NoSuchObjectException if that transaction did not change it
   */
  public byte[] loadSerial(Oid oid, Tid serial) {
    return read(generation -> generation.loadSerial(oid, serial));
  }

  /**
   * The serial of an object's current state.
   *
   * @throws NoSuchObjectException if there is no such object, or its creation is undone
   */
  public Tid currentSerial(Oid oid) {
    return read(generation -> generation.currentSerial(oid));
  }

  /**
   * The last revisions of an object, the newest first; also those that undo or delete it.
   *
   * @param size how many at most
   * @throws NoSuchObjectException if there is no such object
   */
  public List<HistoryEntry> history(Oid oid, int size) {
    return read(generation -> generation.history(oid, size));
  }

  /**
   * The current record of the object with the smallest oid from {@code first} on; for going through
   * all objects.
   *
   * @return null if there is no such object
   * @throws NoSuchObjectException if that object's creation is undone
   */
  public @Nullable CurrentRecord recordFrom(Oid first) {
    return read(generation -> generation.recordFrom(first));
  }

  /**
   * Transactions that might be undone, the newest first: those that were committed since the last
   * pack.
   *
   * @param first how many of them to pass over
   * @param last which to stop before, counted as {@code first} is
   * @param filter which of them count
   */
  public List<UndoableTransaction> undoLog(
      long first, long last, Predicate<UndoableTransaction> filter) {
    return read(generation -> UndoLog.read(generation, first, last, filter));
  }

  /** The last {@code count} transactions, or as many as there are, oldest first. */
  public List<Commit> lastCommits(int count) {
    return read(generation -> lastCommits(generation, count));
  }

  private static List<Commit> lastCommits(FileGeneration generation, int count) {
    DataFile file = generation.file();
    long end = generation.visibleEnd();
    List<Commit> commits = new ArrayList<>();
    TransactionCursor cursor =
        new TransactionCursor(file, new TransactionSearch(file, end).positionOfLast(count));
    TransactionRecord transaction = cursor.next(end);
    while (transaction != null) {
      Set<Oid> oids = new LinkedHashSet<>();
      DataHeader record = transaction.nextHeader();
      while (record != null) {
        oids.add(record.oid());
        record = transaction.nextHeader();
      }
      commits.add(new Commit(transaction.tid(), List.copyOf(oids), null));
      transaction = cursor.next(end);
    }
    return commits;
  }

  /**
   * Reads the transactions later than {@code after}, which need not exist itself, and goes on with
   * those that come.
   *
   * @throws TidTooHighException if {@code after} is later than the last transaction
   */
  public TransactionReader transactionsAfter(Tid after) {
    if (after.compareTo(lastTransaction) > 0) {
      throw new TidTooHighException(after, lastTransaction);
    }
    return new TransactionReader(new ReaderSource(), after, Tid.MAX, RecordWindow.LARGE);
  }

  /**
   * Reads the transactions from {@code start} to {@code stop}, both included if they exist, as far
   * as they are committed now.
   */
  public TransactionReader transactions(Tid start, Tid stop) {
    Tid last = lastTransaction;
    return new TransactionReader(
        new ReaderSource(),
        start.previous(),
        stop.compareTo(last) < 0 ? stop : last,
        RecordWindow.SMALL);
  }

  private final class ReaderSource implements TransactionReader.Source {
    @Override
    public FileGeneration enter() {
      return enterUnlessClosed();
    }

    @Override
    public boolean isPresent(FileGeneration generation) {
      return generation == current && !closed;
    }
  }

  /**
   * Begins to collect a transaction. Takes no lock.
   *
   * @param origin given back in the {@link Commit}, so that a follower knows its own
   */
  public TransactionBuffer begin(TransactionMetadata metadata, @Nullable Object origin) {
    return begin(metadata, null, TransactionHeader.STATUS_NORMAL, origin);
  }

  /**
   * Begins to collect a transaction whose tid, status or both are given, because it comes from
   * another storage or a client says so. Takes no lock.
   *
   * @param tid later than the last transaction's at the vote; null for one of the storage's choice
   */
  public TransactionBuffer begin(
      TransactionMetadata metadata, @Nullable Tid tid, char status, @Nullable Object origin) {
    requireWritable();
    return new TransactionBuffer(this, metadata, origin, tid, status);
  }

  /**
   * Waits for the commit lock, checks the transaction against the current state and appends it. If
   * this fails, the lock is free and nothing is left of the transaction.
   *
   * @param claim a fresh one; whoever holds it can end the wait
   * @throws ConflictException if an object was changed since it was read; the serial that it names
   *     is visible
   * @throws NoSuchObjectException if an object that must be current does not exist
   * @throws CommitLock.CancelledException if the wait was ended
   * @throws StorageException if it can't be written
   */
  public VotedTransaction vote(TransactionBuffer buffer, CommitLock.Claim claim) {
    requireWritable();
    buffer.prepare();
    claim.acquire();
    try {
      boolean voted = false;
      try {
        requireWritable();
        AppendedTransaction appended = appender.append(buffer, TransactionHeader.STATUS_VOTED);
        voted = true;
        return new VotedTransaction(this, claim, appended, buffer.status(), syncer.request());
      } finally {
        if (!voted) {
          claim.release();
        }
      }
    } catch (ConflictException e) {
      if (e.committed().compareTo(lastTransaction) > 0) {
        // The client will load what it lost against, so that must be visible first.
        syncer.await(syncer.request());
      }
      throw e;
    }
  }

  /** See {@link VotedTransaction#finish}. */
  void finish(CommitLock.Claim claim, AppendedTransaction appended, char status, long barrier) {
    long ticket;
    try {
      syncer.await(barrier);
      writeStatus(appended, status);
      appender.accept(appended);
      pending.add(appended);
      ticket = pending.enqueue(List.of(appended), syncer::request);
    } catch (IOException e) {
      throw fail(new StorageIoException("writing the status", options.file(), e));
    } finally {
      claim.release();
    }
    syncer.await(ticket);
  }

  private void writeStatus(AppendedTransaction appended, char status) throws IOException {
    current
        .file()
        .file()
        .write(
            ByteBuffer.wrap(new byte[] {(byte) status}),
            appended.position() + TransactionHeader.STATUS_OFFSET,
            "write transaction status");
  }

  /** See {@link VotedTransaction#abort}. */
  void abort(CommitLock.Claim claim, AppendedTransaction appended) {
    try {
      if (!closed && failure == null) {
        appender.rollBack(appended);
      }
    } finally {
      claim.release();
    }
  }

  /**
   * Commits transactions of an upstream, in their order, under shared syncs: none is visible before
   * all are durable. If this fails nothing of them is left, unless the disk failed.
   *
   * @throws StorageException if one can't be written, or is not later than the one before
   */
  public void restoreAll(List<TransactionBuffer> batch) {
    if (batch.isEmpty()) {
      return;
    }
    CommitLock.Claim claim = commitLock.claim("replication");
    if (batch.size() == 1) {
      vote(batch.getFirst(), claim).finish();
      return;
    }
    requireWritable();
    batch.forEach(TransactionBuffer::prepare);
    long ticket;
    claim.acquire();
    try {
      requireWritable();
      // Nothing may be pending, so that a failed batch can be forgotten as a whole.
      syncer.await(syncer.request());
      ticket = appendAll(batch);
    } catch (IOException e) {
      throw fail(new StorageIoException("writing the status", options.file(), e));
    } finally {
      claim.release();
    }
    syncer.await(ticket);
  }

  private long appendAll(List<TransactionBuffer> batch) throws IOException {
    List<AppendedTransaction> all = new ArrayList<>(batch.size());
    long firstPosition = appender.end();
    Tid lastBefore = appender.lastTid();
    catchUpMarker.write(firstPosition);
    boolean complete = false;
    try {
      for (TransactionBuffer buffer : batch) {
        char status = all.isEmpty() ? TransactionHeader.STATUS_VOTED : buffer.status();
        AppendedTransaction appended = appender.append(buffer, status);
        all.add(appended);
        appender.accept(appended);
        pending.add(appended);
      }
      syncer.await(syncer.request());
      writeStatus(all.getFirst(), batch.getFirst().status());
      complete = true;
    } finally {
      if (!complete) {
        all.reversed().forEach(pending::removeLast);
        all.reversed().forEach(appender::rollBack);
        appender.reset(firstPosition, lastBefore);
      }
    }
    return pending.enqueue(all, syncer::request);
  }

  /** {@link #pack(PackOptions, PackProgress)} as the storage's options say, told to the log. */
  public PackReport pack(Tid packTime) {
    PackLog log = new PackLog(name(), System::nanoTime);
    PackReport report = pack(PackOptions.of(options, packTime), log);
    log.done(report);
    return report;
  }

  /**
   * Removes old revisions, and objects that can't be reached any more, while others go on to read
   * and to commit. Returns when it is done.
   *
   * @throws StorageException if another pack runs, or if it fails: then nothing is changed
   * @throws NoSuchObjectException if there was no root object at the pack time, and garbage is to
   *     be collected
   */
  public PackReport pack(PackOptions what, PackProgress progress) {
    requireWritable();
    if (!packing.tryLock()) {
      throw new StorageException("Already packing");
    }
    try {
      FileGeneration old = enterUnlessClosed();
      try {
        return old.index().size() == 0
            ? PackReport.unchanged(old.visibleEnd())
            : new Packer(disk, old, blobs, what, new PackHost()).pack(progress);
      } finally {
        old.leave();
      }
    } finally {
      packing.unlock();
    }
  }

  private final class PackHost implements Packer.Host {
    private CommitLock.Claim acquire() {
      CommitLock.Claim claim = commitLock.claim("pack");
      packClaim = claim;
      // Whoever closes does it in the other order, and then looks for a claim to cancel.
      requireWritable();
      claim.acquire();
      return claim;
    }

    @Override
    public long begin() {
      CommitLock.Claim claim = acquire();
      try {
        requireWritable();
        syncer.await(syncer.request());
        appender.setBackPointerFloor(appender.end());
        return appender.end();
      } finally {
        claim.release();
      }
    }

    @Override
    public void abandon() {
      if (isStopped()) {
        // Nobody will append any more.
        return;
      }
      CommitLock.Claim claim = acquire();
      try {
        appender.setBackPointerFloor(0);
      } finally {
        claim.release();
      }
    }

    @Override
    public boolean isStopped() {
      return closed || failure().isPresent();
    }

    @Override
    public void replace(Packer.LastStretch stretch) throws IOException {
      CommitLock.Claim claim = acquire();
      try {
        requireWritable();
        syncer.await(syncer.request());
        catchUpMarker.clear();
        FileGeneration old = current;
        FileGeneration packed = stretch.finish(lastTransaction);
        // From here on the file that has the name is the new one, whatever else happens.
        appender.moveTo(packed);
        current = packed;
        old.leave();
        try {
          disk.syncDirectory(Paths.directoryOf(options.file()), "sync packed file's name");
        } catch (IOException e) {
          // A crash might bring the old file back, without what is committed from now on.
          throw fail(new StorageIoException("naming the packed file", options.file(), e));
        }
      } finally {
        claim.release();
      }
    }

    @Override
    public void withoutIndex(Runnable swap) {
      indexSaver.replace(swap);
    }
  }

  private void requireWritable() {
    if (options.readOnly()) {
      throw new ReadOnlyStorageException(name() + " is read-only");
    }
    if (closed) {
      throw closed();
    }
    StorageException reason = failure().orElse(null);
    if (reason != null) {
      throw new StorageException(
          name() + " stopped writing because " + reason.getMessage(), reason);
    }
  }

  private StorageException fail(StorageException reason) {
    if (failure == null) {
      failure = reason;
      LOG.error(
          "{}: no further transaction will be written, reading goes on; restart the server when"
              + " the disk is well: {}",
          name(),
          reason.getMessage());
    }
    return reason;
  }

  /** What happens on the sync thread. */
  private final class SyncTarget implements Syncer.Target {
    @Override
    public void sync() throws IOException {
      FileGeneration generation = enter();
      try {
        generation.file().file().sync("sync data file");
      } finally {
        generation.leave();
      }
    }

    @Override
    public void synced(long ticket) {
      for (AppendedTransaction transaction : pending.takeDurable(ticket)) {
        FileGeneration generation = current;
        for (int i = 0; i < transaction.size(); i++) {
          generation.index().put(transaction.oid(i), transaction.recordPosition(i));
        }
        generation.setVisibleEnd(transaction.end());
        lastTransaction = transaction.tid();
        pending.visible(transaction);
        feed.publish(transaction.commit());
        indexSaver.changed(transaction.size());
      }
    }

    @Override
    public void failed(StorageException reason) {
      fail(reason);
    }
  }

  /**
   * Ends it: waits (with a limit) for a transaction that is being committed, saves the index, lets
   * the lock go. Calls that are under way in other threads fail. Again is harmless.
   *
   * @throws StorageException if something of it failed; all the rest is done even so
   */
  @Override
  public void close() {
    CommitLock.Claim claim = commitLock.claim("close");
    boolean quiet = claim.acquire(CLOSE_LIMIT);
    try {
      if (closed) {
        return;
      }
      closed = true;
    } finally {
      claim.release();
    }
    CommitLock.Claim waiting = packClaim;
    if (waiting != null) {
      waiting.cancel();
    }
    awaitPack();
    closeFiles(quiet);
  }

  /** A pack that runs sees that the storage is closed, and cleans up. */
  private void awaitPack() {
    try {
      if (packing.tryLock(CLOSE_LIMIT.toNanos(), TimeUnit.NANOSECONDS)) {
        packing.unlock();
      } else {
        LOG.warn("{}: a pack does not stop; the next start cleans up after it", name());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeFiles(boolean quiet) {
    try {
      syncer.close();
      if (!options.readOnly() && failure == null) {
        if (!quiet) {
          LOG.warn("{}: a transaction that was voted is not finished and is lost", name());
        }
        indexSaver.save();
        catchUpMarker.clear();
      }
    } finally {
      indexSaver.close();
      feed.close();
      current.leave();
      lock.ifPresent(Disk.Lock::close);
    }
  }
}
