package dev.zrs.replication;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells an upstream again and again that this side is there. On a thread of its own, because an
 * upstream that reads nothing makes it wait for ever; closing the connection ends that.
 */
final class KeepAlive implements Runnable, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");

  private final OutputStream output;
  private final String peer;
  private final Duration delay;
  private final CountDownLatch over = new CountDownLatch(1);

  /**
   * @param output where nobody else writes from now on
   * @param delay zero for never
   */
  KeepAlive(OutputStream output, String peer, Duration delay) {
    this.output = output;
    this.peer = peer;
    this.delay = delay;
  }

  void start() {
    if (delay.isPositive()) {
      Thread.ofVirtual().name("zrs keep-alive " + peer).start(this);
    }
  }

  @Override
  public void run() {
    try {
      while (!over.await(delay.toNanos(), TimeUnit.NANOSECONDS)) {
        output.write(new byte[4]);
        output.flush();
      }
    } catch (IOException e) {
      // The reading side sees the same end, and says so.
      LOG.debug("{}: keep-alive failed: {}", peer, e.toString());
    } catch (InterruptedException e) {
      LOG.debug("{}: keep-alive interrupted", peer);
    }
  }

  /** Ends it, also by itself when the connection is closed. */
  @Override
  public void close() {
    over.countDown();
  }
}
