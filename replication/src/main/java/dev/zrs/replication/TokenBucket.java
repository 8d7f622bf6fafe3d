package dev.zrs.replication;

import java.util.concurrent.locks.ReentrantLock;

/** Lets so much through at once, and then so much in each second. Any thread may call. */
final class TokenBucket {
  private final double capacity;
  private final double perNano;

  /** Guards the fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private double tokens;
  private long filled = System.nanoTime();

  /**
   * @param capacity what is let through at once
   */
  TokenBucket(int capacity, int perSecond) {
    this.capacity = capacity;
    this.perNano = perSecond / 1e9;
    this.tokens = capacity;
  }

  /** Whether one more may go through now; if so, it has. */
  boolean take() {
    lock.lock();
    try {
      long now = System.nanoTime();
      tokens = Math.min(capacity, tokens + (now - filled) * perNano);
      filled = now;
      if (tokens < 1) {
        return false;
      }
      tokens--;
      return true;
    } finally {
      lock.unlock();
    }
  }
}
