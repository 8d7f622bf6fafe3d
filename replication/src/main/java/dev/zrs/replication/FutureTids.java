package dev.zrs.replication;

import dev.zrs.storage.Tid;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Judges the tids of an upstream by this machine's clock. A tid is a time, and every later one must
 * be greater: one that is far in the future makes all that follow wrong, also those of this server
 * when it is promoted, and the greatest ones leave no room for any. For one thread, one connection.
 */
final class FutureTids {
  /** Beyond what clocks that are set at all, and time zones that are wrong, may differ. */
  static final Duration WARNED_BEYOND = Duration.ofHours(25);

  /** No clock is wrong by so much; the thousands of years behind it stay free for later tids. */
  static final Duration REFUSED_BEYOND = Duration.ofDays(100 * 365);

  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");

  private final InstantSource clock;
  private final String peer;
  private boolean warned;

  FutureTids(InstantSource clock, String peer) {
    this.clock = clock;
    this.peer = peer;
  }

  /**
   * Warns of a tid in the future, once.
   *
   * @throws ReplicationException if it can't be right
   */
  void check(Tid tid) {
    Instant now = clock.instant();
    Instant time = tid.toInstant();
    if (time.isAfter(now.plus(REFUSED_BEYOND))) {
      throw new ReplicationException(
          "transaction %s is of the year %s: so far in the future that it can't be right"
              .formatted(tid, tid.toUtcText().substring(0, tid.toUtcText().indexOf('-'))));
    }
    if (!warned && time.isAfter(now.plus(WARNED_BEYOND))) {
      warned = true;
      LOG.warn(
          "{}: transaction {} is {} hours in the future ({} UTC): the clock of this machine, or that"
              + " of the primary when it was committed, is wrong. Until that time all further"
              + " transactions get times that are not theirs",
          peer,
          tid,
          Duration.between(now, time).toHours(),
          tid.toUtcText());
    }
  }
}
