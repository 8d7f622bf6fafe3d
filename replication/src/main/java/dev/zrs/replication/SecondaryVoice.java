package dev.zrs.replication;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what a secondary says after its greeting, which is only that it is there: empty frames. A
 * thread of its own calls {@link #run}; any thread may call the rest.
 */
final class SecondaryVoice implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.primary");

  /** What may come at once, such as after a network that had stalled for minutes. */
  private static final int KEEP_ALIVES_AT_ONCE = 10_000;

  /** A secondary of zc.zrs sends its first keep-alive after a second at least. */
  private static final Duration SOON = Duration.ofMillis(500);

  /** Nobody has anything to gain from more; each costs processor time. */
  private static final int KEEP_ALIVES_PER_SECOND = 100;

  private final FrameReader input;
  private final String peer;
  private final Consumer<String> ended;
  private final TokenBucket keepAlives =
      new TokenBucket(KEEP_ALIVES_AT_ONCE, KEEP_ALIVES_PER_SECOND);

  private final CountDownLatch silent = new CountDownLatch(1);

  private final long begun = System.nanoTime();

  /** So many empty frames at once are what only a secondary says that compares histories. */
  private final CountDownLatch compares = new CountDownLatch(2);

  /**
   * @param ended told why nothing more comes
   */
  SecondaryVoice(FrameReader input, String peer, Consumer<String> ended) {
    this.input = input;
    this.peer = peer;
    this.ended = ended;
  }

  @Override
  public void run() {
    String reason = "it has closed the connection";
    try {
      while (true) {
        listen();
      }
    } catch (IOException e) {
      LOG.debug("{}: {}", peer, e.toString());
    } catch (ReplicationException e) {
      reason = "error";
      LOG.error("{}: {}", peer, e.getMessage());
    } finally {
      silent.countDown();
      ended.accept(reason);
    }
  }

  private void listen() throws IOException {
    if (input.next(SenderSession.MAX_FRAME).length > 0) {
      throw new ReplicationException("Too many messages");
    }
    if (!keepAlives.take()) {
      throw new ReplicationException(
          "a flood of keep-alives: more than %d, and more than %d in a second"
              .formatted(KEEP_ALIVES_AT_ONCE, KEEP_ALIVES_PER_SECOND));
    }
    if (System.nanoTime() - begun < SOON.toNanos()) {
      compares.countDown();
    }
    LOG.debug("{}: keep-alive", peer);
  }

  /** Waits for what tells that the secondary compares histories itself. */
  boolean awaitCompares(Duration limit) {
    return await(compares, limit);
  }

  /** Waits for the end of what it says. */
  boolean awaitSilence(Duration limit) {
    return await(silent, limit);
  }

  private static boolean await(CountDownLatch latch, Duration limit) {
    try {
      return latch.await(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
