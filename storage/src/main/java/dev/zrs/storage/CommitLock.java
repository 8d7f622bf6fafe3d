package dev.zrs.storage;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The lock under which one transaction at a time is voted: strictly first come, first served, and a
 * wait can be ended from outside when the client that waits goes away. It belongs to no thread: one
 * may take it and another let it go. Any thread may call.
 */
public final class CommitLock {
  /** Guards the queue, the holder and the state of every claim. */
  private final ReentrantLock monitor = new ReentrantLock();

  private final ArrayDeque<Claim> queue = new ArrayDeque<>();
  private @Nullable Claim holder;

  /** A wait was ended by {@link Claim#cancel}. */
  public static final class CancelledException extends StorageException {
    private static final long serialVersionUID = 1;

    CancelledException(String who) {
      super(who + " gave up waiting for the commit lock");
    }
  }

  /**
   * Prepares to ask for the lock once.
   *
   * @param who for messages and status
   */
  public Claim claim(String who) {
    return new Claim(who);
  }

  /** How many claims wait. */
  public int waiting() {
    monitor.lock();
    try {
      return queue.size();
    } finally {
      monitor.unlock();
    }
  }

  /** Who holds the lock. */
  public Optional<String> holder() {
    monitor.lock();
    try {
      return Optional.ofNullable(holder).map(claim -> claim.who);
    } finally {
      monitor.unlock();
    }
  }

  /** One request for the lock. */
  public final class Claim {
    private final String who;
    private final Condition granted = monitor.newCondition();
    private boolean cancelled;

    private Claim(String who) {
      this.who = who;
    }

    /**
     * Waits for the lock; for as long as it takes, since every holder has limits of its own.
     * Returns at once if it is held already.
     *
     * @throws CancelledException if the claim is cancelled before or while it waits
     */
    void acquire() {
      monitor.lock();
      try {
        if (holder == this) {
          return;
        }
        queue.addLast(this);
        grantNext();
        while (holder != this && !cancelled) {
          granted.awaitUninterruptibly();
        }
        if (holder != this) {
          queue.remove(this);
          throw new CancelledException(who);
        }
      } finally {
        monitor.unlock();
      }
    }

    /**
     * Waits for the lock, for a limited time.
     *
     * @return whether it is held now
     */
    boolean acquire(Duration limit) {
      long nanos = limit.toNanos();
      boolean held;
      monitor.lock();
      try {
        queue.addLast(this);
        grantNext();
        while (holder != this && nanos > 0) {
          nanos = granted.awaitNanos(nanos);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        queue.remove(this);
        held = holder == this;
        monitor.unlock();
      }
      return held;
    }

    /** Whether this claim holds the lock. */
    public boolean isHeld() {
      monitor.lock();
      try {
        return holder == this;
      } finally {
        monitor.unlock();
      }
    }

    /**
     * Lets the lock go, after {@link UnresolvedConflicts}; a voted transaction does that itself.
     * Harmless if this claim does not hold it.
     */
    public void release() {
      monitor.lock();
      try {
        if (holder == this) {
          holder = null;
          grantNext();
        }
      } finally {
        monitor.unlock();
      }
    }

    /** Ends the wait, also one that begins later; no effect on a lock that is held. */
    public void cancel() {
      monitor.lock();
      try {
        cancelled = true;
        granted.signal();
      } finally {
        monitor.unlock();
      }
    }

    private void grantNext() {
      if (holder == null) {
        Claim next = queue.pollFirst();
        while (next != null && next.cancelled) {
          next.granted.signal();
          next = queue.pollFirst();
        }
        holder = next;
        if (next != null) {
          next.granted.signal();
        }
      }
    }
  }
}
