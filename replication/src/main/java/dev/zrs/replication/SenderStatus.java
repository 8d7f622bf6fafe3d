package dev.zrs.replication;

import dev.zrs.storage.Backlog;
import dev.zrs.storage.Tid;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How far a primary is with one secondary. What it has sent may still be on its way: the protocol
 * has no acknowledgement.
 *
 * @param address the secondary
 * @param protocol what it asked for; empty until it has
 * @param since when it connected
 * @param sent the last transaction that was sent, or where it asked to begin
 * @param left what is committed and not sent
 * @param now when that was so
 */
public record SenderStatus(
    String address, Optional<String> protocol, Instant since, Tid sent, Backlog left, Instant now) {

  /** How long ago the oldest transaction was committed that is not sent; zero when level. */
  public Duration lag() {
    return left.first()
        .map(tid -> Duration.between(tid.toInstant(), now))
        .filter(Duration::isPositive)
        .orElse(Duration.ZERO);
  }
}
