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
 * @param upstream whom it follows
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

  /** Of a secondary that has not connected yet. */
  static SecondaryStatus initial(String upstream, Tid last, Instant now) {
    return new SecondaryStatus(
        SecondaryState.CONNECTING,
        now,
        upstream,
        last,
        last,
        Optional.empty(),
        last,
        0,
        0,
        Optional.empty());
  }

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

  SecondaryStatus withState(SecondaryState value, Instant now) {
    return new SecondaryStatus(
        value,
        now,
        upstream,
        received,
        applied,
        incomplete,
        catchUpFrom,
        receivedBytes,
        connections,
        lastError);
  }

  SecondaryStatus withError(String value) {
    return new SecondaryStatus(
        state,
        since,
        upstream,
        received,
        applied,
        incomplete,
        catchUpFrom,
        receivedBytes,
        connections,
        Optional.of(value));
  }

  SecondaryStatus withOneMoreConnection() {
    return new SecondaryStatus(
        state,
        since,
        upstream,
        received,
        applied,
        incomplete,
        applied,
        receivedBytes,
        connections + 1,
        lastError);
  }

  SecondaryStatus withMoreBytes(long count) {
    return new SecondaryStatus(
        state,
        since,
        upstream,
        received,
        applied,
        incomplete,
        catchUpFrom,
        receivedBytes + count,
        connections,
        lastError);
  }

  /** A transaction has arrived whole, which also is the end of one that was incomplete. */
  SecondaryStatus withReceived(Tid value) {
    return new SecondaryStatus(
        state,
        since,
        upstream,
        value,
        applied,
        Optional.empty(),
        catchUpFrom.equals(Tid.NONE) ? value : catchUpFrom,
        receivedBytes,
        connections,
        lastError);
  }

  SecondaryStatus withApplied(Tid value) {
    return new SecondaryStatus(
        state,
        since,
        upstream,
        received,
        value,
        incomplete,
        catchUpFrom,
        receivedBytes,
        connections,
        lastError);
  }

  SecondaryStatus withIncomplete(Tid value) {
    return new SecondaryStatus(
        state,
        since,
        upstream,
        received,
        applied,
        Optional.of(value),
        catchUpFrom,
        receivedBytes,
        connections,
        lastError);
  }
}
