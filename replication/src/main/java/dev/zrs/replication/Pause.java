package dev.zrs.replication;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The waiting of one thread between attempts, which any thread may cut short, or end for good. */
final class Pause {
  /** Guards all fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private boolean cut;
  private boolean ended;

  /**
   * Waits.
   *
   * @return whether it was cut short, since it was last asked or now
   */
  boolean await(long millis) {
    lock.lock();
    try {
      long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
      while (!cut && !ended && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
      boolean was = cut;
      cut = false;
      return was;
    } catch (InterruptedException e) {
      // Nobody interrupts this thread; who is interrupted all the same tries at once.
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** Ends this wait, or the next one. */
  void cut() {
    lock.lock();
    try {
      cut = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends all waits.
   *
   * @return whether that had not been done before
   */
  boolean end() {
    lock.lock();
    try {
      boolean first = !ended;
      ended = true;
      changed.signalAll();
      return first;
    } finally {
      lock.unlock();
    }
  }

  boolean isEnded() {
    lock.lock();
    try {
      return ended;
    } finally {
      lock.unlock();
    }
  }
}
