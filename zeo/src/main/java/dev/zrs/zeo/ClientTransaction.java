package dev.zrs.zeo;

import dev.zrs.pickle.PickleException;
import dev.zrs.storage.CommitLock;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.VotedTransaction;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import org.jspecify.annotations.Nullable;

/**
 * A transaction of a client, and the origin that the storage gives back in its commit.
 *
 * <p>It passes from thread to thread by its state. In OPEN and CONFLICTING it belongs to the
 * connection's reader, which leaves these states at a vote. Then it belongs to the worker; the
 * reader only looks at the state, and may cancel the claim.
 */
final class ClientTransaction {
  enum State {
    OPEN,
    VOTING,

    /** The client has to resolve conflicts and to vote again; it keeps the commit lock. */
    CONFLICTING,
    VOTED,
    FINISHING;

    /** Whether the client may change what the transaction does. */
    boolean takesChanges() {
      return this == OPEN || this == CONFLICTING;
    }

    /** Whether the transaction has the commit lock. */
    boolean isLocked() {
      return this == CONFLICTING || this == VOTED || this == FINISHING;
    }
  }

  private final Object id;
  private volatile State state = State.OPEN;
  private @Nullable TransactionBuffer buffer;
  private @Nullable RuntimeException failure;
  private long changes;
  private long conflictEnd;
  private CommitLock.@Nullable Claim claim;
  private @Nullable VotedTransaction voted;
  private @Nullable ScheduledFuture<?> timer;
  private @Nullable Request finish;
  private volatile boolean told;

  ClientTransaction(Object id) {
    this.id = id;
  }

  /** The client's own name for it, unique in its connection only. */
  Object id() {
    return id;
  }

  State state() {
    return state;
  }

  void setState(State state) {
    this.state = state;
  }

  /** What it has collected; null if it could not even begin, which {@link #failure} explains. */
  @Nullable TransactionBuffer buffer() {
    return buffer;
  }

  void setBuffer(TransactionBuffer buffer) {
    this.buffer = buffer;
  }

  /**
   * Why its vote must fail. Requests that get no reply can't say so at once, and are no reason to
   * end the connection.
   */
  @Nullable RuntimeException failure() {
    return failure;
  }

  /** Keeps the first failure. */
  void fail(RuntimeException reason) {
    if (failure == null) {
      failure = reason;
    }
  }

  /**
   * Begins the time to resolve conflicts, if that has not begun yet. It does not begin again when
   * the client votes without having resolved them.
   *
   * @return what is left of it
   */
  Duration timeToResolve(Duration limit) {
    long now = System.nanoTime();
    if (conflictEnd == 0) {
      conflictEnd = now + limit.toNanos();
    }
    return Duration.ofNanos(Math.max(0, conflictEnd - now));
  }

  /** How many changes it has collected. */
  long changes() {
    return changes;
  }

  /** Counts one more. */
  void addChange() {
    changes++;
  }

  /** Does a part of it, and keeps what goes wrong for the vote. */
  void attempt(Runnable step) {
    try {
      step.run();
    } catch (StorageException | RequestException | PickleException | UncheckedIOException e) {
      fail(e);
    }
  }

  CommitLock.@Nullable Claim claim() {
    return claim;
  }

  void setClaim(CommitLock.Claim claim) {
    this.claim = claim;
  }

  @Nullable VotedTransaction voted() {
    return voted;
  }

  void setVoted(VotedTransaction voted) {
    this.voted = voted;
  }

  void setTimer(ScheduledFuture<?> timer) {
    this.timer = timer;
  }

  void stopTimer() {
    ScheduledFuture<?> running = timer;
    if (running != null) {
      running.cancel(false);
    }
  }

  /** The request that the commit answers. */
  @Nullable Request finishRequest() {
    return finish;
  }

  void setFinishRequest(Request request) {
    finish = request;
  }

  /** Whether the client has been told that it is committed. */
  boolean isTold() {
    return told;
  }

  void setTold() {
    told = true;
  }
}
