package dev.zrs.replication;

import java.time.Duration;

/**
 * How a primary behaves.
 *
 * @param drainLimit how long, when the server stops, connected secondaries may take to catch up
 * @param handshakeLimit how long a new connection may take to say what it wants
 * @param maxConnections secondaries at a time; more are closed at once. Each costs a thread and
 *     half a megabyte
 * @param strictBlobs whether to stop a secondary that would need a blob file which does not exist,
 *     instead of sending the record without it
 */
public record PrimaryOptions(
    Duration drainLimit, Duration handshakeLimit, int maxConnections, boolean strictBlobs) {
  /** As zc.zrs, where it has the option. */
  public static final PrimaryOptions DEFAULT =
      new PrimaryOptions(Duration.ofSeconds(60), Duration.ofSeconds(30), 100, false);

  public PrimaryOptions withDrainLimit(Duration value) {
    return new PrimaryOptions(value, handshakeLimit, maxConnections, strictBlobs);
  }

  public PrimaryOptions withHandshakeLimit(Duration value) {
    return new PrimaryOptions(drainLimit, value, maxConnections, strictBlobs);
  }

  public PrimaryOptions withMaxConnections(int value) {
    return new PrimaryOptions(drainLimit, handshakeLimit, value, strictBlobs);
  }

  public PrimaryOptions withStrictBlobs(boolean value) {
    return new PrimaryOptions(drainLimit, handshakeLimit, maxConnections, value);
  }
}
