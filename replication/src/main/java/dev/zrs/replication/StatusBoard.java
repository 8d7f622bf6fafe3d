package dev.zrs.replication;

import dev.zrs.storage.Tid;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a secondary writes down how it is doing; each change of state is logged with its reason.
 * Any thread may call.
 */
final class StatusBoard {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");

  /** What is applied so soon after its commit shows that nothing older is missing. */
  private static final Duration FRESH = Duration.ofSeconds(3);

  /** How long nothing must arrive before it is believed that nothing has. */
  private static final Duration QUIET = Duration.ofMillis(200);

  private final InstantSource clock;

  /** Guards all fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition allApplied = lock.newCondition();

  private SecondaryState state = SecondaryState.CONNECTING;
  private Instant since;
  private String upstream;
  private Tid received;
  private Tid applied;
  private Tid catchUpFrom;
  private Optional<Tid> incomplete = Optional.empty();
  private long receivedBytes;
  private long connections;
  private Optional<String> lastError = Optional.empty();

  /** Whether something may have arrived that is not applied. */
  private boolean working;

  /** How often {@link #working} was set. */
  private long changes;

  StatusBoard(String upstream, Tid last, InstantSource clock) {
    this.clock = clock;
    this.upstream = upstream;
    this.since = clock.instant();
    this.received = last;
    this.applied = last;
    this.catchUpFrom = last;
  }

  SecondaryStatus status() {
    lock.lock();
    try {
      return new SecondaryStatus(
          state,
          since,
          upstream,
          received,
          applied,
          incomplete,
          catchUpFrom,
          receivedBytes,
          connections,
          lastError);
    } finally {
      lock.unlock();
    }
  }

  private void update(Runnable change) {
    lock.lock();
    try {
      change.run();
    } finally {
      lock.unlock();
    }
  }

  void change(SecondaryState to, String reason) {
    update(() -> enter(to, reason));
  }

  /** Whoever calls holds the lock. */
  private void enter(SecondaryState to, String reason) {
    if (state != to) {
      LOG.info("{}: {} -> {} ({})", upstream, state, to, reason);
      state = to;
      since = clock.instant();
    }
  }

  /** It tries this address. */
  void connecting(String address) {
    update(
        () -> {
          upstream = address;
          enter(SecondaryState.CONNECTING, "it is time to");
        });
  }

  void connected() {
    update(
        () -> {
          connections++;
          catchUpFrom = applied;
          enter(SecondaryState.CATCHING_UP, "connected, at " + applied.toUtcText());
        });
  }

  /** Nothing has come for a while; only from {@code CATCHING_UP}. */
  void quiet() {
    update(
        () -> {
          if (state == SecondaryState.CATCHING_UP) {
            enter(SecondaryState.LIVE, "the upstream sends nothing more");
          }
        });
  }

  /** All that has arrived is applied. */
  void level() {
    update(
        () -> {
          if (state == SecondaryState.CATCHING_UP && isFresh(applied)) {
            enter(SecondaryState.LIVE, "all that was sent is applied");
          }
        });
  }

  private boolean isFresh(Tid tid) {
    return Duration.between(tid.toInstant(), clock.instant()).compareTo(FRESH) < 0;
  }

  /** It has more to do than it can do at once. */
  void behind() {
    change(SecondaryState.CATCHING_UP, "transactions come faster than they are applied");
  }

  /** It ends for good, without having been told to. */
  void stopped(SecondaryState to, String error) {
    update(
        () -> {
          lastError = Optional.of(error);
          enter(to, error);
        });
  }

  void failed(String error) {
    stopped(SecondaryState.WAITING, error);
  }

  /** Something is wrong that does not end the connection. */
  void wrong(String error) {
    update(() -> lastError = Optional.of(error));
  }

  /** So many bytes more have come in. */
  void arrived(long bytes) {
    update(() -> receivedBytes += bytes);
  }

  /** A transaction has arrived whole, which also is the end of one that was incomplete. */
  void received(Tid tid) {
    update(
        () -> {
          received = tid;
          incomplete = Optional.empty();
          catchUpFrom = catchUpFrom.equals(Tid.NONE) ? tid : catchUpFrom;
        });
  }

  void applied(Tid tid) {
    update(() -> applied = tid);
  }

  /** The connection ended within this transaction. */
  void incomplete(Tid tid) {
    update(() -> incomplete = Optional.of(tid));
  }

  /** All that has arrived is applied, as far as it is whole. */
  void waits() {
    setWorking(false);
  }

  /** Something has arrived, or there is a connection from which it may. */
  void works() {
    setWorking(true);
  }

  private void setWorking(boolean value) {
    lock.lock();
    try {
      working = value;
      changes++;
      allApplied.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until {@link #waits} holds, and has for a moment: what the system has just received has
   * not woken the receiver yet.
   *
   * @return whether that came within the limit
   */
  boolean awaitApplied(Duration limit) {
    long nanos = limit.toNanos();
    lock.lock();
    try {
      boolean quiet = false;
      while (!quiet && nanos > 0) {
        long before = changes;
        long most = working ? nanos : Math.min(nanos, QUIET.toNanos());
        nanos -= most - Math.max(0, allApplied.awaitNanos(most));
        quiet = !working && changes == before;
      }
      return quiet;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }
}
