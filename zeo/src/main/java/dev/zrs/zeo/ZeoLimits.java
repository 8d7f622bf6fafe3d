package dev.zrs.zeo;

import java.time.Duration;

/**
 * What a client may ask for at most.
 *
 * @param maxFrameBytes size of one message. A data record travels in one message; the largest that
 *     old sites without blobs have are of some 100 MB. Memory grows with what has arrived, never
 *     with what was announced.
 * @param maxQueuedBytes what may wait for a client that does not read, before it is disconnected:
 *     an hour of a busy site's invalidations, and small beside the heap
 * @param maxConnections connections at a time, of all storages; more are closed at once
 * @param maxPendingRequests requests of one connection that wait for its worker thread. A client
 *     has one for each of its threads at most.
 * @param handshakeTimeout how long a new connection may take to say its protocol
 * @param conflictTimeout how long a client that has to resolve conflicts may keep the commit lock,
 *     before its connection is closed: it loads two states for each and calls the application's
 *     code, which takes milliseconds; a thread that hangs must not stop all others
 * @param platformThreadConnections connections up to this number get platform threads, which cost
 *     less CPU per request while they are few; those beyond get virtual ones
 */
public record ZeoLimits(
    int maxFrameBytes,
    long maxQueuedBytes,
    int maxConnections,
    int maxPendingRequests,
    Duration handshakeTimeout,
    Duration conflictTimeout,
    int platformThreadConnections) {
  /** No array may be much larger, and the buffer doubles when it grows. */
  private static final int HIGHEST_MAX_FRAME = 1 << 29;

  /** The documented defaults. */
  public static final ZeoLimits DEFAULT =
      new ZeoLimits(
          256 << 20, 32L << 20, 10_000, 1_000, Duration.ofSeconds(30), Duration.ofSeconds(30), 64);

  /** Checks that the limits make sense. */
  public ZeoLimits {
    if (maxFrameBytes < 1024 || maxFrameBytes > HIGHEST_MAX_FRAME) {
      throw new IllegalArgumentException(
          "a frame limit of %d bytes; 1 KiB to 512 MiB are possible".formatted(maxFrameBytes));
    }
    if (maxQueuedBytes < Outbox.HIGH_WATER
        || maxConnections < 1
        || maxPendingRequests < 1
        || platformThreadConnections < 0
        || !handshakeTimeout.isPositive()
        || !conflictTimeout.isPositive()) {
      throw new IllegalArgumentException("a limit is too small");
    }
  }

  public ZeoLimits withMaxFrameBytes(int value) {
    return new ZeoLimits(
        value,
        maxQueuedBytes,
        maxConnections,
        maxPendingRequests,
        handshakeTimeout,
        conflictTimeout,
        platformThreadConnections);
  }

  public ZeoLimits withMaxQueuedBytes(long value) {
    return new ZeoLimits(
        maxFrameBytes,
        value,
        maxConnections,
        maxPendingRequests,
        handshakeTimeout,
        conflictTimeout,
        platformThreadConnections);
  }

  public ZeoLimits withMaxConnections(int value) {
    return new ZeoLimits(
        maxFrameBytes,
        maxQueuedBytes,
        value,
        maxPendingRequests,
        handshakeTimeout,
        conflictTimeout,
        platformThreadConnections);
  }

  public ZeoLimits withHandshakeTimeout(Duration value) {
    return new ZeoLimits(
        maxFrameBytes,
        maxQueuedBytes,
        maxConnections,
        maxPendingRequests,
        value,
        conflictTimeout,
        platformThreadConnections);
  }

  public ZeoLimits withConflictTimeout(Duration value) {
    return new ZeoLimits(
        maxFrameBytes,
        maxQueuedBytes,
        maxConnections,
        maxPendingRequests,
        handshakeTimeout,
        value,
        platformThreadConnections);
  }

  public ZeoLimits withPlatformThreadConnections(int value) {
    return new ZeoLimits(
        maxFrameBytes,
        maxQueuedBytes,
        maxConnections,
        maxPendingRequests,
        handshakeTimeout,
        conflictTimeout,
        value);
  }
}
