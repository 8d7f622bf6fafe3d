package dev.zrs.replication;

import dev.zrs.storage.Tid;
import java.time.Instant;
import java.util.Optional;

/**
 * How a secondary is doing at one moment.
 *
 * @param state what it is doing
 * @param since since when
 * @param upstream whom it follows
 * @param received the last transaction that arrived whole and with the right checksum
 * @param applied the last one that is durable and visible here
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
    long receivedBytes,
    long connections,
    Optional<String> lastError) {

  /** Of a secondary that has not connected yet. */
  static SecondaryStatus initial(String upstream, Tid last, Instant now) {
    return new SecondaryStatus(
        SecondaryState.CONNECTING, now, upstream, last, last, 0, 0, Optional.empty());
  }

  SecondaryStatus withState(SecondaryState value, Instant now) {
    return new SecondaryStatus(
        value, now, upstream, received, applied, receivedBytes, connections, lastError);
  }

  SecondaryStatus withError(String value) {
    return new SecondaryStatus(
        state, since, upstream, received, applied, receivedBytes, connections, Optional.of(value));
  }

  SecondaryStatus withOneMoreConnection() {
    return new SecondaryStatus(
        state, since, upstream, received, applied, receivedBytes, connections + 1, lastError);
  }

  SecondaryStatus withMoreBytes(long count) {
    return new SecondaryStatus(
        state, since, upstream, received, applied, receivedBytes + count, connections, lastError);
  }

  SecondaryStatus withReceived(Tid value) {
    return new SecondaryStatus(
        state, since, upstream, value, applied, receivedBytes, connections, lastError);
  }

  SecondaryStatus withApplied(Tid value) {
    return new SecondaryStatus(
        state, since, upstream, received, value, receivedBytes, connections, lastError);
  }
}
