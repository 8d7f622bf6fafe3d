package dev.zrs.storage;

import java.time.Duration;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ordered sequence of committed transactions, each told when it is durable and visible, that
 * everything else follows: replies, invalidations, replication. Any thread may call.
 */
public final class CommitFeed {
  private static final Logger LOG = LoggerFactory.getLogger(CommitFeed.class);

  /** Guards {@link #last}, and that a follower's start is neither before nor behind a commit. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition grown = lock.newCondition();
  private final CopyOnWriteArrayList<CommitFollower> followers = new CopyOnWriteArrayList<>();
  private Tid last;
  private boolean closed;

  CommitFeed(Tid last) {
    this.last = last;
  }

  /**
   * Has {@code follower} told of every transaction from now on.
   *
   * @return the last transaction of which it is not told
   */
  public Tid follow(CommitFollower follower) {
    lock.lock();
    try {
      followers.add(follower);
      return last;
    } finally {
      lock.unlock();
    }
  }

  /** Ends it; a call that is under way may still come to its end. */
  public void unfollow(CommitFollower follower) {
    followers.remove(follower);
  }

  /**
   * Waits until a transaction later than {@code tid} is visible.
   *
   * @return whether there is one; false when the limit has passed or the storage is closed
   */
  public boolean awaitAfter(Tid tid, Duration limit) {
    long nanos = limit.toNanos();
    lock.lock();
    try {
      while (last.compareTo(tid) <= 0 && !closed && nanos > 0) {
        try {
          nanos = grown.awaitNanos(nanos);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          break;
        }
      }
      return last.compareTo(tid) > 0;
    } finally {
      lock.unlock();
    }
  }

  void publish(Commit commit) {
    lock.lock();
    try {
      last = commit.tid();
      for (CommitFollower follower : followers) {
        tell(follower, commit);
      }
      grown.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private static void tell(CommitFollower follower, Commit commit) {
    try {
      follower.committed(commit);
    } catch (RuntimeException e) {
      // A broken follower must not keep the others, or the committer, from a durable transaction.
      LOG.error("a follower of the commit feed failed at {}", commit.tid(), e);
    }
  }

  /** Ends all waits. */
  void close() {
    lock.lock();
    try {
      closed = true;
      grown.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
