package dev.zrs.testkit;

import java.time.Duration;

/**
 * How fast a network is in one way.
 *
 * @param latency how long each piece is on its way
 * @param jitter up to how much longer, at random; the order stays
 * @param bytesPerSecond of each connection; 0 for no limit
 */
public record Traffic(Duration latency, Duration jitter, long bytesPerSecond) {
  /** At once. */
  public static final Traffic GOOD = new Traffic(Duration.ZERO, Duration.ZERO, 0);

  public Traffic withLatency(Duration least, Duration more) {
    return new Traffic(least, more, bytesPerSecond);
  }

  public Traffic withRate(long value) {
    return new Traffic(latency, jitter, value);
  }
}
