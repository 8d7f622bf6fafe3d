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
 * @param liveAfter silence of the upstream after which it counts as level
 * @param ringCheckDelay how long a secondary that is an upstream too gets nothing before it asks
 *     again whether its upstream follows it; the first time on a connection it asks when level
 * @param maxFrame the largest record, in bytes; for a moment it is in memory up to three times
 * @param maxRecords records in one transaction, each of which costs about 150 bytes of heap until
 *     it is applied
 * @param batchBytes record data that are applied under shared syncs while it catches up
 * @param batchTransactions transactions that are applied under shared syncs
 * @param acceptPacked whether to go on, once, where the upstream does not have our last transaction
 *     any more
 */
public record SecondaryOptions(
    Duration keepAliveDelay,
    Duration reconnectDelay,
    Duration firstReconnectDelay,
    Duration connectLimit,
    Duration transactionLimit,
    Duration liveAfter,
    Duration ringCheckDelay,
    int maxFrame,
    long maxRecords,
    long batchBytes,
    int batchTransactions,
    boolean acceptPacked) {
  /** The largest record of all, however much heap there is. */
  private static final long MAX_RECORD = 1 << 30;

  /** What part of the heap one record may be. */
  private static final int HEAP_FOR_RECORD = 4;

  /**
   * Bytes of heap that allow for one record of a replicated transaction: half of the heap at most.
   */
  private static final long HEAP_PER_RECORD = 300;

  /** What zc.zrs has as its default, where it has the option. */
  public static final SecondaryOptions DEFAULT =
      new SecondaryOptions(
          Duration.ZERO,
          Duration.ofSeconds(60),
          Duration.ofMillis(250),
          Duration.ofSeconds(20),
          Duration.ofSeconds(60),
          Duration.ofSeconds(1),
          Duration.ofSeconds(30),
          (int) Math.min(MAX_RECORD, Runtime.getRuntime().maxMemory() / HEAP_FOR_RECORD),
          Runtime.getRuntime().maxMemory() / HEAP_PER_RECORD,
          8 << 20,
          2_000,
          false);

  /** Refuses what would make it turn in a tight loop, or never apply anything. */
  public SecondaryOptions {
    requireMillisecond("reconnectDelay", reconnectDelay);
    requireMillisecond("firstReconnectDelay", firstReconnectDelay);
    requireMillisecond("connectLimit", connectLimit);
    requireMillisecond("transactionLimit", transactionLimit);
    requireMillisecond("liveAfter", liveAfter);
    requireMillisecond("ringCheckDelay", ringCheckDelay);
    if (!keepAliveDelay.isZero()) {
      requireMillisecond("keepAliveDelay", keepAliveDelay);
    }
    if (maxFrame < 1 || maxRecords < 1 || batchBytes < 1 || batchTransactions < 1) {
      throw new IllegalArgumentException(
          "maxFrame, maxRecords and the limits of a batch must be positive");
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
        liveAfter,
        ringCheckDelay,
        maxFrame,
        maxRecords,
        batchBytes,
        batchTransactions,
        acceptPacked);
  }

  public SecondaryOptions withReconnectDelay(Duration longest) {
    return new SecondaryOptions(
        keepAliveDelay,
        longest,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        liveAfter,
        ringCheckDelay,
        maxFrame,
        maxRecords,
        batchBytes,
        batchTransactions,
        acceptPacked);
  }

  public SecondaryOptions withFirstReconnectDelay(Duration value) {
    return new SecondaryOptions(
        keepAliveDelay,
        reconnectDelay,
        value,
        connectLimit,
        transactionLimit,
        liveAfter,
        ringCheckDelay,
        maxFrame,
        maxRecords,
        batchBytes,
        batchTransactions,
        acceptPacked);
  }

  /** With limits for one connection: for connecting, and for silence in the middle of something. */
  public SecondaryOptions withTimeLimits(Duration connect, Duration transaction) {
    return new SecondaryOptions(
        keepAliveDelay,
        reconnectDelay,
        firstReconnectDelay,
        connect,
        transaction,
        liveAfter,
        ringCheckDelay,
        maxFrame,
        maxRecords,
        batchBytes,
        batchTransactions,
        acceptPacked);
  }

  public SecondaryOptions withLiveAfter(Duration value) {
    return new SecondaryOptions(
        keepAliveDelay,
        reconnectDelay,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        value,
        ringCheckDelay,
        maxFrame,
        maxRecords,
        batchBytes,
        batchTransactions,
        acceptPacked);
  }

  public SecondaryOptions withRingCheckDelay(Duration value) {
    return new SecondaryOptions(
        keepAliveDelay,
        reconnectDelay,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        liveAfter,
        value,
        maxFrame,
        maxRecords,
        batchBytes,
        batchTransactions,
        acceptPacked);
  }

  /** With limits for one transaction: the bytes of its largest record, and how many records. */
  public SecondaryOptions withSizeLimits(int frame, long records) {
    return new SecondaryOptions(
        keepAliveDelay,
        reconnectDelay,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        liveAfter,
        ringCheckDelay,
        frame,
        records,
        batchBytes,
        batchTransactions,
        acceptPacked);
  }

  /** With other sizes of a batch: bytes and transactions. */
  public SecondaryOptions withBatch(long bytes, int transactions) {
    return new SecondaryOptions(
        keepAliveDelay,
        reconnectDelay,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        liveAfter,
        ringCheckDelay,
        maxFrame,
        maxRecords,
        bytes,
        transactions,
        acceptPacked);
  }

  public SecondaryOptions withAcceptPacked(boolean value) {
    return new SecondaryOptions(
        keepAliveDelay,
        reconnectDelay,
        firstReconnectDelay,
        connectLimit,
        transactionLimit,
        liveAfter,
        ringCheckDelay,
        maxFrame,
        maxRecords,
        batchBytes,
        batchTransactions,
        value);
  }
}
