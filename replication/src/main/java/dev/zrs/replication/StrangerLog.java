package dev.zrs.replication;

import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;

/**
 * The log's lines about connections of which it is not known yet whether they are secondaries: so
 * many that no operator misses one, and so few that nobody can fill the disk with them. Any thread
 * may call.
 */
final class StrangerLog {
  /** Far more than a restart of all secondaries makes. */
  private static final int AT_ONCE = 500;

  private static final int PER_SECOND = 10;

  private final Logger log;
  private final TokenBucket lines = new TokenBucket(AT_ONCE, PER_SECOND);
  private final AtomicLong leftOut = new AtomicLong();

  StrangerLog(Logger log) {
    this.log = log;
  }

  /** Whether a line may be written now. */
  boolean mayWrite() {
    if (!lines.take()) {
      leftOut.incrementAndGet();
      return false;
    }
    long before = leftOut.getAndSet(0);
    if (before > 0) {
      log.warn(
          "{} lines about connections that did not get beyond their greeting were left out",
          before);
    }
    return true;
  }
}
