package dev.zrs.storage;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A transaction that passed all checks and stands in the file with status {@code c}. It holds the
 * commit lock until it is finished or aborted, so one of the two must be called. Any thread may
 * call either; only the first call counts.
 */
public final class VotedTransaction implements Vote {
  private enum State {
    VOTED,
    FINISHING,
    ABORTED
  }

  private final CommitPath commits;
  private final CommitLock.Claim claim;
  private final AppendedTransaction appended;
  private final char status;
  private final long barrier;
  private final AtomicReference<State> state = new AtomicReference<>(State.VOTED);

  VotedTransaction(
      CommitPath commits,
      CommitLock.Claim claim,
      AppendedTransaction appended,
      char status,
      long barrier) {
    this.commits = commits;
    this.claim = claim;
    this.appended = appended;
    this.status = status;
    this.barrier = barrier;
  }

  /** The transaction's id; nobody else knows it yet. */
  public Tid tid() {
    return appended.tid();
  }

  /**
   * The objects that were changed by undo. A client does not know their new state, and drops them
   * from its cache.
   */
  public List<Oid> undoneOids() {
    return appended.undone();
  }

  /**
   * The objects whose change was merged with one that was committed since. A client does not know
   * their new state, either.
   */
  public List<Oid> mergedOids() {
    return appended.merged();
  }

  /**
   * Commits. When this returns the transaction is durable and visible, and every follower of the
   * commit feed has been told; the commit lock is let go earlier, as soon as its place in the order
   * is fixed.
   *
   * @throws StorageException if it was aborted, or can't be made durable: then it is not committed
   *     for any reader of this process, and the storage takes no further transactions
   */
  public void finish() {
    if (!state.compareAndSet(State.VOTED, State.FINISHING)) {
      throw new StorageException("transaction " + tid() + " was already finished or aborted");
    }
    commits.finish(claim, appended, status, barrier);
  }

  /** Takes the transaction back; no effect if it is being finished, or was aborted before. */
  public void abort() {
    if (state.compareAndSet(State.VOTED, State.ABORTED)) {
      commits.abort(claim, appended);
    }
  }
}
