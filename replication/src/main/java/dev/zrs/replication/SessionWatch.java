package dev.zrs.replication;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after one connection to the upstream while its reader waits: ends a connection that is
 * silent within a transaction, and says when a silence means that nothing more is there. Runs on a
 * thread of its own, which waits for nobody; the reader's thread tells it what it waits for.
 *
 * <p>This rather than a time-out of reads, which sockets of the unix kind do not have.
 */
final class SessionWatch implements Runnable, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(200);

  /** What the reader waits for. */
  enum Waiting {
    /** Nothing; it works. */
    NOT,
    /** The first answer, for which a primary may have to search a large file. */
    FIRST,
    /** The rest of a transaction or a frame. */
    WITHIN,
    /** The next transaction. */
    BETWEEN
  }

  private final Link link;
  private final SecondaryOptions options;
  private final StatusBoard board;
  private final Runnable idle;
  private final CountDownLatch over = new CountDownLatch(1);
  private final long pauseMillis;

  /** Written by the reader before {@link #waiting}. */
  private volatile long since;

  private volatile Waiting waiting = Waiting.NOT;
  private volatile boolean stalled;

  /** When the silence was reported; only for the watching thread. */
  private long reported;

  /** Whether it was reported at all. */
  private boolean told;

  /**
   * @param idle called {@code liveAfter} after the first answer, and when nothing has come for
   *     {@code ringCheckDelay} later
   */
  SessionWatch(Link link, SecondaryOptions options, StatusBoard board, Runnable idle) {
    this.link = link;
    this.options = options;
    this.board = board;
    this.idle = idle;
    this.reported = System.nanoTime();
    Duration shortest = shorter(options.liveAfter(), options.transactionLimit());
    this.pauseMillis = Math.max(1, shorter(LONGEST_PAUSE, shortest.dividedBy(2)).toMillis());
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /** The reader begins to wait. */
  void waits(Waiting what) {
    since = System.nanoTime();
    waiting = what;
  }

  /** The reader works again. */
  void works() {
    waiting = Waiting.NOT;
  }

  /** Whether it ended the connection because the upstream fell silent. */
  boolean hasStalled() {
    return stalled;
  }

  @Override
  public void run() {
    try {
      while (!over.await(pauseMillis, TimeUnit.MILLISECONDS)) {
        look();
      }
    } catch (IOException e) {
      LOG.debug("{}: ending the connection failed: {}", link.peer(), e.toString());
    } catch (InterruptedException e) {
      LOG.debug("{}: the watch was interrupted", link.peer());
    }
  }

  private void look() throws IOException {
    Waiting now = waiting;
    long nanos = System.nanoTime() - since;
    switch (now) {
      case NOT, FIRST -> {}
      case WITHIN -> {
        if (nanos > options.transactionLimit().toNanos()) {
          stalled = true;
          link.close();
        }
      }
      case BETWEEN -> {
        if (nanos > options.liveAfter().toNanos()) {
          board.quiet();
        }
        long limit = options.ringCheckDelay().toNanos();
        if (nanos > limit && System.nanoTime() - reported > limit) {
          report();
        }
      }
    }
    // The first time soon and also if the upstream is busy, so that who is told to follow this
    // server
    // knows that it would be a ring.
    if (!told
        && now != Waiting.FIRST
        && System.nanoTime() - reported
            > shorter(options.liveAfter(), options.ringCheckDelay()).toNanos()) {
      report();
    }
  }

  private void report() {
    told = true;
    reported = System.nanoTime();
    idle.run();
  }

  /** Ends it. */
  @Override
  public void close() {
    over.countDown();
  }
}
