package dev.zrs.zeo;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;

/**
 * How a ZEO server behaves; the names are those of the {@code <zeo>} section.
 *
 * @param readOnly refuse all writes, whatever the storages allow
 * @param invalidationQueueSize of how many transactions the changed objects are remembered, for
 *     clients that come back
 * @param transactionTimeout how long a client may hold the commit lock between its vote and its
 *     finish before its connection is closed; empty: for ever
 * @param invalidationAge how old the last transaction of a client that comes back may be, for what
 *     changed to be read from the file if it is not remembered; empty: it never is
 * @param msgpack whether clients are offered msgpack instead of pickles
 * @param clientConflictResolution whether clients resolve all conflicts, also those that the
 *     storage could
 * @param limits what a client may ask for
 * @param tls if clients must use TLS
 * @param clock for time stamps in the status
 */
public record ZeoServerOptions(
    boolean readOnly,
    int invalidationQueueSize,
    Optional<Duration> transactionTimeout,
    Optional<Duration> invalidationAge,
    boolean msgpack,
    boolean clientConflictResolution,
    ZeoLimits limits,
    Optional<TlsContext> tls,
    InstantSource clock) {
  /** ZEO's own default. */
  public static final int DEFAULT_INVALIDATION_QUEUE_SIZE = 100;

  /** Writable, with ZEO's defaults. */
  public static final ZeoServerOptions DEFAULT =
      new ZeoServerOptions(
          false,
          DEFAULT_INVALIDATION_QUEUE_SIZE,
          Optional.empty(),
          Optional.empty(),
          false,
          false,
          ZeoLimits.DEFAULT,
          Optional.empty(),
          InstantSource.system());

  /** Checks the values. */
  public ZeoServerOptions {
    if (invalidationQueueSize < 1) {
      throw new IllegalArgumentException(
          "an invalidation queue of " + invalidationQueueSize + " transactions");
    }
    if (transactionTimeout.isPresent() && !transactionTimeout.get().isPositive()) {
      throw new IllegalArgumentException("a transaction timeout that is not positive");
    }
    if (tls.isPresent() && !tls.get().hasCertificate()) {
      throw new IllegalArgumentException("a server needs a certificate");
    }
  }

  public ZeoServerOptions withReadOnly(boolean value) {
    return new ZeoServerOptions(
        value,
        invalidationQueueSize,
        transactionTimeout,
        invalidationAge,
        msgpack,
        clientConflictResolution,
        limits,
        tls,
        clock);
  }

  public ZeoServerOptions withInvalidationQueueSize(int value) {
    return new ZeoServerOptions(
        readOnly,
        value,
        transactionTimeout,
        invalidationAge,
        msgpack,
        clientConflictResolution,
        limits,
        tls,
        clock);
  }

  public ZeoServerOptions withTransactionTimeout(Duration value) {
    return new ZeoServerOptions(
        readOnly,
        invalidationQueueSize,
        Optional.of(value),
        invalidationAge,
        msgpack,
        clientConflictResolution,
        limits,
        tls,
        clock);
  }

  public ZeoServerOptions withInvalidationAge(Duration value) {
    return new ZeoServerOptions(
        readOnly,
        invalidationQueueSize,
        transactionTimeout,
        Optional.of(value),
        msgpack,
        clientConflictResolution,
        limits,
        tls,
        clock);
  }

  public ZeoServerOptions withMsgpack(boolean value) {
    return new ZeoServerOptions(
        readOnly,
        invalidationQueueSize,
        transactionTimeout,
        invalidationAge,
        value,
        clientConflictResolution,
        limits,
        tls,
        clock);
  }

  public ZeoServerOptions withClientConflictResolution(boolean value) {
    return new ZeoServerOptions(
        readOnly,
        invalidationQueueSize,
        transactionTimeout,
        invalidationAge,
        msgpack,
        value,
        limits,
        tls,
        clock);
  }

  public ZeoServerOptions withLimits(ZeoLimits value) {
    return new ZeoServerOptions(
        readOnly,
        invalidationQueueSize,
        transactionTimeout,
        invalidationAge,
        msgpack,
        clientConflictResolution,
        value,
        tls,
        clock);
  }

  public ZeoServerOptions withTls(TlsContext value) {
    return new ZeoServerOptions(
        readOnly,
        invalidationQueueSize,
        transactionTimeout,
        invalidationAge,
        msgpack,
        clientConflictResolution,
        limits,
        Optional.of(value),
        clock);
  }

  public ZeoServerOptions withClock(InstantSource value) {
    return new ZeoServerOptions(
        readOnly,
        invalidationQueueSize,
        transactionTimeout,
        invalidationAge,
        msgpack,
        clientConflictResolution,
        limits,
        tls,
        value);
  }
}
