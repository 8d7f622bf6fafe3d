package dev.zrs.replication;

import java.time.Duration;

/**
 * How a secondary behaves.
 *
 * @param keepAliveDelay how often it tells its upstream that it is there; zero for never
 * @param reconnectDelay the longest it waits before it connects again
 * @param firstReconnectDelay the wait after the first failure; it doubles with each further one
 * @param connectLimit how long connecting may take
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
