package dev.zrs.testkit;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** How one way of a proxy is now, for all of its connections. Any thread may call. */
final class WayCondition {
  private final RandomGenerator random;
  private volatile Traffic traffic = Traffic.GOOD;
  private volatile long stalledUntil = System.nanoTime();

  /**
   * @param random for the jitter; for any thread
   */
  WayCondition(RandomGenerator random) {
    this.random = random;
  }

  void set(Traffic value) {
    traffic = value;
  }

  void stall(Duration time) {
    stalledUntil = System.nanoTime() + time.toNanos();
  }

  void heal() {
    traffic = Traffic.GOOD;
    stalledUntil = System.nanoTime();
  }

  long bytesPerSecond() {
    return traffic.bytesPerSecond();
  }

  /** When a piece that has just come should go on, as a time of {@link System#nanoTime}. */
  long dueNow() {
    Traffic now = traffic;
    long jitter = now.jitter().toNanos();
    return System.nanoTime() + now.latency().toNanos() + (jitter > 0 ? random.nextLong(jitter) : 0);
  }

  /** How long a piece must still wait, in nanoseconds; 0 or less if it may go. */
  long waitFor(long due) {
    long now = System.nanoTime();
    // All that was delayed goes at once when the network is healed.
    long late = traffic.equals(Traffic.GOOD) ? 0 : due - now;
    return Math.max(late, stalledUntil - now);
  }
}
