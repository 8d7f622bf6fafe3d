package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one way by which transactions get into the file and before readers: those of clients and
 * those of an upstream. Any thread may call.
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
final class CommitPath {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** How long a stop waits for a transaction that is voted but not finished. */
  private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

  private final StorageOptions options;
  private final String name;
  private final PresentFile present;
  private final CatchUpMarker catchUpMarker;
  private final IndexSaver indexSaver;
  private final CommitLock lock = new CommitLock();
  private final PendingTransactions pending = new PendingTransactions();
  private final Appender appender;
  private final Syncer syncer;
  private final CommitFeed feed;
  private volatile @Nullable StorageException failure;

  CommitPath(
      StorageOptions options,
      PresentFile present,
      Optional<BlobDirectory> blobs,
      CatchUpMarker catchUpMarker,
      IndexSaver indexSaver,
      AtomicLong maxOid,
      InstantSource clock,
      @Nullable Storage base) {
    this.options = options;
    this.name = options.file().toString();
    this.present = present;
    this.catchUpMarker = catchUpMarker;
    this.indexSaver = indexSaver;
    Tid last = present.lastTransaction();
    Tid before = base == null ? Tid.NONE : base.lastTransaction();
    Tid latest = last.compareTo(before) >= 0 ? last : before;
    this.feed = new CommitFeed(latest);
    this.appender =
        new Appender(
            present.generation(), latest, pending, blobs, clock, maxOid, options.quota(), base);
    this.syncer = new Syncer(options.file(), new SyncTarget());
  }

  CommitLock lock() {
    return lock;
  }

  CommitFeed feed() {
    return feed;
  }

  /** Only for who holds the commit lock. */
  Appender appender() {
    return appender;
  }

  /** Waits until all transactions are visible whose place is fixed. */
  void awaitPending() {
    syncer.await(syncer.request());
  }

  /** Why nothing can be written any more, if so. */
  Optional<StorageException> failure() {
    return Optional.ofNullable(failure != null ? failure : appender.failure());
  }

  /** See {@link FileStorage#vote}. */
  VotedTransaction vote(TransactionBuffer buffer, CommitLock.Claim claim) {
    return underLock(
        buffer, claim, () -> append(buffer, claim, appender.plan(buffer, Appender.REFUSE)));
  }

  /** See {@link Storage#tryVote}. */
  Vote tryVote(TransactionBuffer buffer, CommitLock.Claim claim) {
    ConflictList conflicts = new ConflictList();
    return underLock(
        buffer,
        claim,
        () -> {
          TransactionPlan plan = appender.plan(buffer, conflicts);
          if (conflicts.isEmpty()) {
            return append(buffer, claim, plan);
          }
          UnresolvedConflicts found = conflicts.result();
          awaitVisible(found.lastCommitted());
          return found;
        });
  }

  private VotedTransaction append(
      TransactionBuffer buffer, CommitLock.Claim claim, TransactionPlan plan) {
    AppendedTransaction appended = appender.append(plan, buffer, TransactionHeader.STATUS_VOTED);
    return new VotedTransaction(this, claim, appended, buffer.status(), syncer.request());
  }

  /** Runs a vote under the commit lock, which is let go only if that throws. */
  private <T> T underLock(TransactionBuffer buffer, CommitLock.Claim claim, Supplier<T> vote) {
    boolean voted = false;
    try {
      requireWritable();
      buffer.prepare();
      claim.acquire();
      requireWritable();
      T result = vote.get();
      voted = true;
      return result;
    } catch (ConflictException e) {
      claim.release();
      awaitVisible(e.committed());
      throw e;
    } finally {
      if (!voted) {
        claim.release();
      }
    }
  }

  /** The client will load what it lost against, so that must be visible first. */
  private void awaitVisible(Tid committed) {
    if (committed.compareTo(present.lastTransaction()) > 0) {
      syncer.await(syncer.request());
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
    present
        .generation()
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
      if (!present.isClosed() && failure == null) {
        appender.rollBack(appended);
      }
    } finally {
      claim.release();
    }
  }

  /** See {@link FileStorage#restoreAll}. */
  void restoreAll(List<TransactionBuffer> batch) {
    if (batch.isEmpty()) {
      return;
    }
    CommitLock.Claim claim = lock.claim("replication");
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

  /**
   * Checks that transactions can be written.
   *
   * @throws ReadOnlyStorageException if the storage is read-only
   * @throws StorageException if it is closed, or stopped writing
   */
  void requireWritable() {
    if (options.readOnly()) {
      throw new ReadOnlyStorageException(name + " is read-only");
    }
    if (present.isClosed()) {
      throw present.closedException();
    }
    StorageException reason = failure().orElse(null);
    if (reason != null) {
      throw new StorageException(name + " stopped writing because " + reason.getMessage(), reason);
    }
  }

  /** Ends writing for good; returns the reason. */
  StorageException fail(StorageException reason) {
    if (failure == null) {
      failure = reason;
      LOG.error(
          "{}: no further transaction will be written, reading goes on; restart the server when"
              + " the disk is well: {}",
          name,
          reason.getMessage());
    }
    return reason;
  }

  /** Forgets the last catch-up, before a clean stop or when its positions mean nothing any more. */
  void forgetCatchUp() {
    catchUpMarker.clear();
  }

  /**
   * Lets no transaction begin any more; waits, with a limit, for one that is being committed.
   *
   * @return whether it came to its end; empty if this was called before
   */
  Optional<Boolean> stop() {
    CommitLock.Claim claim = lock.claim("close");
    boolean quiet = claim.acquire(STOP_LIMIT);
    try {
      if (present.isClosed()) {
        return Optional.empty();
      }
      present.setClosed();
      return Optional.of(quiet);
    } finally {
      claim.release();
    }
  }

  /**
   * Ends the sync thread.
   *
   * @param quiet what {@link #stop} gave
   * @return whether all that was committed is in the file for good
   */
  boolean close(boolean quiet) {
    syncer.close();
    if (!quiet) {
      LOG.warn("{}: a transaction that was voted is not finished and is lost", name);
    }
    return failure == null;
  }

  /** What happens on the sync thread. */
  private final class SyncTarget implements Syncer.Target {
    @Override
    public void sync() throws IOException {
      FileGeneration generation = present.enterEvenIfClosed();
      try {
        generation.file().file().sync("sync data file");
      } finally {
        generation.leave();
      }
    }

    @Override
    public void synced(long ticket) {
      for (AppendedTransaction transaction : pending.takeDurable(ticket)) {
        FileGeneration generation = present.generation();
        for (int i = 0; i < transaction.size(); i++) {
          generation.index().put(transaction.oid(i), transaction.recordPosition(i));
        }
        generation.setVisibleEnd(transaction.end());
        present.setLastTransaction(transaction.tid());
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
}
