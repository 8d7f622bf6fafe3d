package dev.zrs.zeo;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongConsumer;

/**
 * Lets lines about connections into the log that did not get beyond their greeting: so many that no
 * operator misses one, and so few that a client that is refused and comes back at once, for days,
 * can't fill the disk. Any thread.
 */
final class RefusalLog {
  private static final int AT_ONCE = 200;
  private static final Duration EACH = Duration.ofSeconds(1);

  private final InstantSource clock;
  private final LongConsumer leftOut;

  /** When the lines that may be written at once will all have been paid for. */
  private Instant paid;

  private long missing;

  /**
   * @param leftOut is told how many lines were left out, before the next one is written
   */
  RefusalLog(InstantSource clock, LongConsumer leftOut) {
    this.clock = clock;
    this.leftOut = leftOut;
    this.paid = clock.instant();
  }

  /** Writes a line, if it is not one too many. */
  void write(Runnable line) {
    long before;
    synchronized (this) {
      Instant now = clock.instant();
      if (paid.isBefore(now)) {
        paid = now;
      }
      if (paid.isAfter(now.plus(EACH.multipliedBy(AT_ONCE - 1)))) {
        missing++;
        return;
      }
      paid = paid.plus(EACH);
      before = missing;
      missing = 0;
    }
    if (before > 0) {
      leftOut.accept(before);
    }
    line.run();
  }
}
