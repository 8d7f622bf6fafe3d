package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
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
 * <p>{@link CommitPath} says how a commit becomes durable.
 */
public final class FileStorage implements Storage {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** How long {@link #leaveBlobs} waits for a transaction that is being committed. */
  private static final Duration COMMIT_LIMIT = Duration.ofSeconds(10);

  /** How long {@link #close} waits for a pack to end. */
  private static final Duration PACK_LIMIT = Duration.ofSeconds(10);

  /** Transactions that are counted to say how much is left: each costs a read. */
  private static final long MAX_COUNTED = 100_000;

  private final StorageOptions options;

  /** What the transactions are changes of, if they are that. */
  private final @Nullable Storage base;

  private final PresentFile present;
  private final IndexSaver indexSaver;
  private final Optional<BlobDirectory> blobs;
  private final Optional<Disk.Lock> lock;
  private final Tid lastCut;
  private final Disk disk;
  private final AtomicLong maxOid;
  private final CommitPath commits;

  /** Held while a pack runs. */
  private final ReentrantLock packing = new ReentrantLock();

  /** Whether a pack runs that is known to leave the blobs alone. */
  private volatile boolean packLeavesBlobs;

  private final PackHost packHost;
  private final TidFile packTime;
  private final AtomicLong bufferedBytes = new AtomicLong();

  FileStorage(
      StorageOptions options,
      OpenedFiles files,
      Optional<BlobDirectory> blobs,
      CatchUpMarker catchUpMarker,
      Disk disk,
      InstantSource clock,
      @Nullable Storage base) {
    this.options = options;
    this.base = base;
    this.disk = disk;
    this.blobs = blobs;
    this.lock = files.lock();
    this.lastCut = files.lastCut();
    this.present = new PresentFile(name(), files.generation(), files.lastTid());
    this.indexSaver = new IndexSaver(files.indexFile(), present::enterEvenIfClosed);
    this.maxOid = new AtomicLong(files.generation().index().maxOid());
    this.commits =
        new CommitPath(options, present, blobs, catchUpMarker, indexSaver, maxOid, clock, base);
    this.packTime = TidFile.packTime(disk, options.file());
    this.packHost = new PackHost(options, present, commits, indexSaver, disk, packTime);
  }

  /** What opening the files gives. */
  record OpenedFiles(
      FileGeneration generation,
      IndexFile indexFile,
      Tid lastTid,
      Tid lastCut,
      Optional<Disk.Lock> lock) {}

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
    return new StorageOpener(options, disk, clock, null).open();
  }

  /** As the other one, for the changes of what is in {@code base}. */
  static FileStorage open(StorageOptions options, Disk disk, InstantSource clock, Storage base) {
    return new StorageOpener(options, disk, clock, base).open();
  }

  /** The path of the file, as configured: what ZODB calls the storage's name. */
  @Override
  public String name() {
    return options.file().toString();
  }

  @Override
  public boolean isReadOnly() {
    return options.readOnly();
  }

  /** Record data that open transactions have in memory, together. */
  AtomicLong bufferedBytes() {
    return bufferedBytes;
  }

  @Override
  public Optional<BlobDirectory> blobs() {
    return blobs;
  }

  @Override
  public Optional<Path> blobFile(Oid oid, Tid serial) {
    return blobs
        .filter(directory -> directory.exists(oid, serial))
        .map(directory -> directory.file(oid, serial));
  }

  @Override
  public Tid lastTransaction() {
    return present.lastTransaction();
  }

  /**
   * Of a follower: the last of the transactions that this or an earlier opening cut off, because
   * they stood behind an unfinished one, or were unfinished themselves; {@link Tid#NONE} if there
   * were none. Until the upstream has sent it again it may be missing here.
   */
  public Tid lastCut() {
    return lastCut;
  }

  /** Size of the file up to the end of the last visible transaction, in bytes. */
  @Override
  public long size() {
    return present.generation().visibleEnd();
  }

  /** How many objects there are, deleted ones included, as FileStorage counts. */
  @Override
  public long objectCount() {
    return present.generation().index().size();
  }

  /**
   * Leaves the blob directory to another server, which keeps it from now on. Afterwards this
   * storage takes no transaction with a blob file, and its packs leave the files alone.
   *
   * @param endWriters ends those who might still write, as ZEO clients; called while no pack can
   *     begin
   * @throws StorageException if a pack runs, which may yet remove blobs; nothing is changed then
   */
  public void leaveBlobs(Runnable endWriters) {
    BlobDirectory directory = blobs.orElseThrow(TransactionBuffer::noBlobs);
    boolean noPack = packing.tryLock();
    if (!noPack && !packLeavesBlobs) {
      throw new StorageException(
          name() + " is being packed, and blobs may yet be removed; try again when that is done");
    }
    try {
      endWriters.run();
      CommitLock.Claim claim = commitLock().claim("leaving the blobs");
      try {
        if (!claim.acquire(COMMIT_LIMIT)) {
          LOG.warn("{}: a transaction does not end; its blobs may stay as a left-over", name());
        }
        directory.leave();
      } finally {
        claim.release();
      }
    } finally {
      if (noPack) {
        packing.unlock();
      }
    }
  }

  /**
   * Takes the blob directory over from the server that kept it; no effect if it is this storage's
   * own.
   *
   * @throws StorageException if it can't be written; nothing is changed then
   */
  public void takeOverBlobs() {
    BlobDirectory directory = blobs.orElseThrow(TransactionBuffer::noBlobs);
    try {
      if (!directory.isWritable()) {
        directory.takeOver();
      }
    } catch (IOException e) {
      throw new StorageIoException("writing below the blob directory", directory.base(), e);
    }
  }

  @Override
  public CommitFeed feed() {
    return commits.feed();
  }

  @Override
  public CommitLock commitLock() {
    return commits.lock();
  }

  @Override
  public Optional<StorageException> failure() {
    return commits.failure();
  }

  /**
   * An oid that nobody has.
   *
   * @throws ReadOnlyStorageException if the storage is read-only
   * @throws StorageException if the last possible oid is in use
   */
  @Override
  public Oid newOid() {
    commits.requireWritable();
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

  /** See {@link CommitPath#requireWritable}. */
  void requireWritable() {
    commits.requireWritable();
  }

  @Override
  public boolean knows(Oid oid) {
    return read(generation -> generation.index().get(oid.value()) != 0);
  }

  /**
   * The serial of an object's first revision that is still in the file.
   *
   * @throws NoSuchObjectException if there is no such object
   */
  Tid firstSerial(Oid oid) {
    return read(generation -> generation.firstSerial(oid));
  }

  /** Reads in the present file, which stays open meanwhile. */
  <T extends @Nullable Object> T read(Function<FileGeneration, T> call) {
    FileGeneration generation = present.enter();
    try {
      return call.apply(generation);
    } finally {
      generation.leave();
    }
  }

  @Override
  public @Nullable Revision loadBefore(Oid oid, Tid before) {
    return read(generation -> generation.loadBefore(oid, before));
  }

  @Override
  public byte[] loadSerial(Oid oid, Tid serial) {
    return read(generation -> generation.loadSerial(oid, serial));
  }

  @Override
  public Tid currentSerial(Oid oid) {
    return read(generation -> generation.currentSerial(oid));
  }

  @Override
  public List<HistoryEntry> history(Oid oid, int size) {
    return read(generation -> generation.history(oid, size));
  }

  @Override
  public @Nullable CurrentRecord recordFrom(Oid first) {
    return read(generation -> generation.recordFrom(first));
  }

  @Override
  public List<UndoableTransaction> undoLog(
      long first, long last, Predicate<UndoableTransaction> filter) {
    return read(generation -> UndoLog.read(generation, first, last, filter));
  }

  /** What this storage can say of a transaction that somebody else has. */
  public Ancestry ancestry(Tid tid) {
    return ancestry(tid, FileStorage::always);
  }

  /**
   * As the other one, for who may not want to know it any more: it can take long.
   *
   * @throws StorageException if {@code wanted} is false before it is known
   */
  @Override
  public Ancestry ancestry(Tid tid, BooleanSupplier wanted) {
    return read(generation -> new History(generation, packTime.tid()).of(tid, wanted));
  }

  /**
   * How much is committed after {@code tid}; {@value #MAX_COUNTED} transactions at most are
   * counted.
   */
  public Backlog backlogAfter(Tid tid) {
    return read(generation -> new History(generation, packTime.tid()).after(tid, MAX_COUNTED));
  }

  /**
   * The last transaction that has records: those without are not copied by Python, so that others
   * may lack them. {@link Tid#NONE} in an empty storage; the last one if none is near the end.
   */
  public Tid lastTransactionWithRecords() {
    return read(generation -> new History(generation, packTime.tid()).lastWithRecords());
  }

  @Override
  public Optional<Set<Oid>> changedAfter(Tid after, Tid upTo, int limit, BooleanSupplier wanted) {
    return read(
        generation -> new History(generation, packTime.tid()).changed(after, upTo, limit, wanted));
  }

  @Override
  public List<Commit> lastCommits(int count) {
    return read(generation -> new History(generation, packTime.tid()).last(count));
  }

  /**
   * Reads the transactions later than {@code after}, which need not exist itself, and goes on with
   * those that come.
   *
   * @throws TidTooHighException if {@code after} is later than the last transaction, and no pack
   *     can have removed it
   */
  public TransactionReader transactionsAfter(Tid after) {
    return transactionsAfter(after, FileStorage::always);
  }

  /**
   * As the other one, for who may not want them any more: to find the place can take long.
   *
   * @throws StorageException if {@code wanted} is false before it is found
   */
  public TransactionReader transactionsAfter(Tid after, BooleanSupplier wanted) {
    if (after.compareTo(lastTransaction()) > 0 && ancestry(after, wanted) == Ancestry.AHEAD) {
      throw new TidTooHighException(after, lastTransaction());
    }
    return new TransactionReader(present, after, Tid.MAX, RecordWindow.MEDIUM, wanted);
  }

  private static boolean always() {
    return true;
  }

  @Override
  public TransactionReader transactions(Tid start, Tid stop) {
    Tid last = lastTransaction();
    return new TransactionReader(
        present,
        start.previous(),
        stop.compareTo(last) < 0 ? stop : last,
        RecordWindow.SMALL,
        FileStorage::always);
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
  @Override
  public TransactionBuffer begin(
      TransactionMetadata metadata, @Nullable Tid tid, char status, @Nullable Object origin) {
    commits.requireWritable();
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
   * @throws UndoException if a transaction can't be undone
   * @throws QuotaExceededException if the file would become too large
   * @throws CommitLock.CancelledException if the wait was ended
   * @throws StorageException if it can't be written
   */
  public VotedTransaction vote(TransactionBuffer buffer, CommitLock.Claim claim) {
    return commits.vote(buffer, claim);
  }

  @Override
  public Vote tryVote(TransactionBuffer buffer, CommitLock.Claim claim) {
    return commits.tryVote(buffer, claim);
  }

  /**
   * Commits transactions of an upstream, in their order, under shared syncs: none is visible before
   * all are durable. If this fails nothing of them is left, unless the disk failed.
   *
   * @throws StorageException if one can't be written, or is not later than the one before
   */
  public void restoreAll(List<TransactionBuffer> batch) {
    commits.restoreAll(batch);
  }

  /** {@link #pack(PackOptions, PackProgress)} as the storage's options say, told to the log. */
  @Override
  public PackReport pack(Tid packTime) {
    PackLog log = new PackLog(name(), System::nanoTime);
    PackOptions what = PackOptions.of(options, packTime);
    PackReport report = pack(base == null ? what : what.withoutGarbage(), log);
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
    commits.requireWritable();
    if (!packing.tryLock()) {
      throw new StorageException("Already packing");
    }
    try {
      FileGeneration old = present.enter();
      try {
        if (old.index().size() == 0) {
          return PackReport.unchanged(old.visibleEnd());
        }
        // Whoever takes the files over meanwhile does not have them removed by this pack.
        Optional<BlobDirectory> own = blobs.filter(BlobDirectory::isWritable);
        packLeavesBlobs = own.isEmpty();
        return new Packer(disk, old, own, what, packHost).pack(progress);
      } finally {
        old.leave();
        rememberChecked();
      }
    } finally {
      packLeavesBlobs = false;
      packing.unlock();
    }
  }

  /** What a pack writes has nothing unfinished in it, and all its positions are new. */
  private void rememberChecked() {
    if (options.follower() && !present.isClosed()) {
      try {
        read(
            generation -> {
              new CheckedPart(disk, options.file())
                  .record(generation.file(), generation.visibleEnd());
              return null;
            });
      } catch (StorageException e) {
        // The next start reads more.
        LOG.debug("{}: what was checked is not written down: {}", name(), e.toString());
      }
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
    Optional<Boolean> quiet = commits.stop();
    if (quiet.isPresent()) {
      packHost.stop();
      awaitPack();
      closeFiles(quiet.get());
    }
  }

  /** A pack that runs sees that the storage is closed, and cleans up. */
  private void awaitPack() {
    try {
      if (packing.tryLock(PACK_LIMIT.toNanos(), TimeUnit.NANOSECONDS)) {
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
      boolean whole = commits.close(quiet);
      if (whole && !options.readOnly()) {
        indexSaver.save();
        commits.forgetCatchUp();
      }
    } finally {
      indexSaver.close();
      commits.feed().close();
      present.generation().leave();
      lock.ifPresent(Disk.Lock::close);
    }
  }
}
