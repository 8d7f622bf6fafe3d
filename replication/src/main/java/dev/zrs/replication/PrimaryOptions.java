package dev.zrs.replication;

import java.time.Duration;

/**
 * How a primary behaves.
 *
 * @param drainLimit how long, when the server stops, connected secondaries may take to catch up
 * @param handshakeLimit how long a new connection may take to say what it wants
 * @param maxConnections secondaries at a time; more are closed at once. Each costs a thread and
 *     half a megabyte
 */
public record PrimaryOptions(Duration drainLimit, Duration handshakeLimit, int maxConnections) {
  /** As zc.zrs, where it has the option. */
  public static final PrimaryOptions DEFAULT =
      new PrimaryOptions(Duration.ofSeconds(60), Duration.ofSeconds(30), 100);

  public PrimaryOptions withDrainLimit(Duration value) {
    return new PrimaryOptions(value, handshakeLimit, maxConnections);
  }
}
