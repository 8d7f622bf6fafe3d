package dev.zrs.replication;

import java.time.Duration;

/**
 * How a primary behaves.
 *
 * @param drainLimit how long, when the server stops, connected secondaries may take to catch up
 * @param handshakeLimit how long a new connection may take to say what it wants
 * @param maxConnections connections at a time. Beyond, who has not said yet what they want make
 *     room, or the new one is closed at once. Each costs a thread and a quarter of a megabyte of
 *     heap
 * @param strictBlobs whether to stop a secondary that would need a blob file which does not exist,
 *     instead of sending the record without it
 */
public record PrimaryOptions(
    Duration drainLimit, Duration handshakeLimit, int maxConnections, boolean strictBlobs) {
  private static final int MAX_CONNECTIONS = 100;

  /** Connections take up to a quarter of a small heap. */
  private static final int HEAP_PER_CONNECTION = 1 << 20;

  /** As zc.zrs, where it has the option. */
  public static final PrimaryOptions DEFAULT =
      new PrimaryOptions(
          Duration.ofSeconds(60),
          Duration.ofSeconds(30),
          Math.clamp(Runtime.getRuntime().maxMemory() / HEAP_PER_CONNECTION, 8, MAX_CONNECTIONS),
          false);

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
