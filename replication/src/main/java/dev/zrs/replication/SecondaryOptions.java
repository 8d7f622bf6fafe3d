package dev.zrs.replication;

import java.time.Duration;

/**
 * How a secondary behaves.
 *
 * @param keepAliveDelay how often it tells its upstream that it is there; zero for never
 * @param reconnectDelay the longest it waits before it connects again
 * @param firstReconnectDelay the wait after the first failure; it doubles with each further one
 * @param connectLimit how long the lookup of the upstream's host, and connecting to each of its
 *     addresses, may take
 * @param transactionLimit how long the upstream may be silent within a transaction or a frame.
 *     Between them an idle upstream is silent for ever
 * @param maxFrame the largest record, in bytes
 * @param batchBytes record data that are applied under shared syncs while it catches up
 * @param batchTransactions transactions that are applied under shared syncs
 */
public record SecondaryOptions(
    Duration keepAliveDelay,
    Duration reconnectDelay,
    Duration firstReconnectDelay,
    Duration connectLimit,
    Duration transactionLimit,
    int maxFrame,
    long batchBytes,
    int batchTransactions) {
  /** What zc.zrs has as its default, where it has the option. */
  public static final SecondaryOptions DEFAULT =
      new SecondaryOptions(
          Duration.ZERO,
          Duration.ofSeconds(60),
          Duration.ofMillis(250),
          Duration.ofSeconds(20),
          Duration.ofSeconds(60),
          1 << 30,
          8 << 20,
          2_000);

  /** Refuses what would make it turn in a tight loop, or never apply anything. */
  public SecondaryOptions {
    requireMillisecond("reconnectDelay", reconnectDelay);
    requireMillisecond("firstReconnectDelay", firstReconnectDelay);
    requireMillisecond("connectLimit", connectLimit);
    requireMillisecond("transactionLimit", transactionLimit);
    if (!keepAliveDelay.isZero()) {
      requireMillisecond("keepAliveDelay", keepAliveDelay);
    }
    if (maxFrame < 1 || batchBytes < 1 || batchTransactions < 1) {
      throw new IllegalArgumentException("maxFrame and the limits of a batch must be positive");
    }
  }

  private static void requireMillisecond(String name, Duration value) {
    if (value.compareTo(Duration.ofMillis(1)) < 0) {
      throw new IllegalArgumentException("%s is too short: %s".formatted(name, value));
    }
  }

  public SecondaryOptions withKeepAliveDelay(Duration value) {
    return new SecondaryOptions(
        value,
        reconnectDelay,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        maxFrame,
        batchBytes,
        batchTransactions);
  }

  public SecondaryOptions withReconnectDelay(Duration value) {
    return new SecondaryOptions(
        keepAliveDelay,
        value,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        maxFrame,
        batchBytes,
        batchTransactions);
  }
}
