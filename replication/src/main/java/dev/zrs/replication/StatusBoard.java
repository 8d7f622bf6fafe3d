package dev.zrs.replication;

import dev.zrs.storage.Tid;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
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

  /** Held while {@link #status} is replaced; guards {@link #working}. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition allApplied = lock.newCondition();

  private volatile SecondaryStatus status;

  /** Whether something may have arrived that is not applied; guarded by the lock. */
  private boolean working;

  /** How often {@link #working} was set; guarded by the lock. */
  private long changes;

  StatusBoard(String upstream, Tid last, InstantSource clock) {
    this.clock = clock;
    this.status = SecondaryStatus.initial(upstream, last, clock.instant());
  }

  SecondaryStatus status() {
    return status;
  }

  private void update(UnaryOperator<SecondaryStatus> change) {
    lock.lock();
    try {
      status = change.apply(status);
    } finally {
      lock.unlock();
    }
  }

  void change(SecondaryState state, String reason) {
    update(old -> changed(old, state, reason));
  }

  private SecondaryStatus changed(SecondaryStatus old, SecondaryState state, String reason) {
    if (old.state() == state) {
      return old;
    }
    LOG.info("{}: {} -> {} ({})", old.upstream(), old.state(), state, reason);
    return old.withState(state, clock.instant());
  }

  void connected() {
    update(
        old ->
            changed(
                old.withOneMoreConnection(),
                SecondaryState.CATCHING_UP,
                "connected, at " + old.applied().toUtcText()));
  }

  /** Nothing has come for a while; only from {@code CATCHING_UP}. */
  void quiet() {
    update(
        old ->
            old.state() == SecondaryState.CATCHING_UP
                ? changed(old, SecondaryState.LIVE, "the upstream sends nothing more")
                : old);
  }

  /** All that has arrived is applied. */
  void level() {
    update(
        old ->
            old.state() == SecondaryState.CATCHING_UP && isFresh(old.applied())
                ? changed(old, SecondaryState.LIVE, "all that was sent is applied")
                : old);
  }

  private boolean isFresh(Tid applied) {
    return Duration.between(applied.toInstant(), clock.instant()).compareTo(FRESH) < 0;
  }

  /** It has more to do than it can do at once. */
  void behind() {
    update(
        old ->
            changed(
                old, SecondaryState.CATCHING_UP, "transactions come faster than they are applied"));
  }

  /** It ends for good, without having been told to. */
  void stopped(SecondaryState state, String error) {
    update(old -> changed(old.withError(error), state, error));
  }

  void failed(String error) {
    update(old -> changed(old.withError(error), SecondaryState.WAITING, error));
  }

  /** Something is wrong that does not end the connection. */
  void wrong(String error) {
    update(old -> old.withError(error));
  }

  /** So many bytes more have come in. */
  void arrived(long bytes) {
    update(old -> old.withMoreBytes(bytes));
  }

  void received(Tid tid) {
    update(old -> old.withReceived(tid));
  }

  void applied(Tid tid) {
    update(old -> old.withApplied(tid));
  }

  /** The connection ended within this transaction. */
  void incomplete(Tid tid) {
    update(old -> old.withIncomplete(tid));
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
