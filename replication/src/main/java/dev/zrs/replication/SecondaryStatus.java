package dev.zrs.replication;

import dev.zrs.storage.Tid;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a secondary is doing at one moment.
 *
 * @param state what it is doing
 * @param since since when
 * @param upstream the address that it is connected to or tries now
 * @param received the last transaction that arrived whole and with the right checksum
 * @param applied the last one that is durable and visible here
 * @param incomplete the transaction of which the last connection brought a part and no end; it may
 *     be complete at the upstream
 * @param catchUpFrom where the present connection began
 * @param receivedBytes bytes received since the start of the process
 * @param connections how often it has connected
 * @param lastError why the last connection ended or could not be made; empty if none has
 */
public record SecondaryStatus(
    SecondaryState state,
    Instant since,
    String upstream,
    Tid received,
    Tid applied,
    Optional<Tid> incomplete,
    Tid catchUpFrom,
    long receivedBytes,
    long connections,
    Optional<String> lastError) {
  /**
   * How much of the time from where the connection began until now is applied, in percent: the
   * protocol does not say how much there is. Empty unless it is catching up.
   */
  public OptionalInt progressPercent(Instant now) {
    if (state != SecondaryState.CATCHING_UP
        || catchUpFrom.equals(Tid.NONE)
        || applied.equals(Tid.NONE)) {
      return OptionalInt.empty();
    }
    Instant begin = catchUpFrom.toInstant();
    long all = Duration.between(begin, now).toMillis();
    long done = Duration.between(begin, applied.toInstant()).toMillis();
    return all <= 0 ? OptionalInt.of(100) : OptionalInt.of(Math.clamp(100 * done / all, 0, 100));
  }
}
