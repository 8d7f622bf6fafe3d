package dev.zrs.server;

import dev.zrs.replication.ReplicationSecondary;
import dev.zrs.replication.UpstreamProbe;
import dev.zrs.server.role.Role;
import dev.zrs.zconfig.Address;
import dev.zrs.zeo.WriteGate;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets the clients of a secondary that want to write wait while its upstream has just gone: for the
 * promotion, or for the upstream. One that is refused would not come back to this server before the
 * other one can be reached again, so it would not find a promoted secondary. Any thread may call.
 */
final class HeldWriters implements WriteGate {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");

  /** How often it is asked whether an upstream that is away is there again, for all clients. */
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final ReplicatedStorage storage;
  private final Duration limit;

  private final ReentrantLock lock = new ReentrantLock();

  /** The role may have changed, or a client may have gone. */
  private final Condition changed = lock.newCondition();

  /** Held while the upstream is asked; guards {@link #outage} and {@link #asked}. */
  private final ReentrantLock asking = new ReentrantLock();

  private @Nullable Outage outage;
  private long asked;

  /**
   * The upstream is away.
   *
   * @param upstream which one
   * @param from whom it is away; another one takes its place if a promotion is refused
   * @param connections how often that one had connected by then
   * @param since in nanoseconds
   */
  private record Outage(Address upstream, ReplicationSecondary from, long connections, long since) {
    boolean goesOn(Address now, ReplicationSecondary follower) {
      long later = follower.status().connections();
      return upstream.equals(now) && later == (from.equals(follower) ? connections : 0);
    }
  }

  /**
   * @param limit how long after the loss of the upstream; zero for never
   */
  HeldWriters(ReplicatedStorage storage, Duration limit) {
    this.storage = storage;
    this.limit = limit;
  }

  @Override
  public boolean refuses() {
    return storage.isSecondary();
  }

  @Override
  public boolean awaitWrites(BooleanSupplier gone) {
    boolean told = false;
    while (storage.role() instanceof Role.Secondary role) {
      ReplicationSecondary follower = storage.secondary().orElse(null);
      long nanos = follower == null || gone.getAsBoolean() ? 0 : nanosLeft(follower, role);
      if (nanos <= 0) {
        // It may have been promoted in this moment.
        return !refuses();
      }
      if (!told) {
        told = true;
        LOG.info(
            "a client that wants to write waits: {} does not answer, and this server may be"
                + " promoted",
            role.upstream().text());
      }
      await(gone, nanos);
    }
    return true;
  }

  private void await(BooleanSupplier gone, long nanos) {
    long left = Math.min(nanos, PAUSE.toNanos());
    lock.lock();
    try {
      while (refuses() && !gone.getAsBoolean() && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** How long clients may still wait; nothing if the upstream answers, or was never there. */
  private long nanosLeft(ReplicationSecondary follower, Role.Secondary role) {
    asking.lock();
    try {
      Outage known = outage;
      boolean goesOn = known != null && known.goesOn(role.upstream(), follower);
      if (limit.isZero() || (!goesOn && follower.status().connections() == 0)) {
        return 0;
      }
      if (!goesOn || System.nanoTime() - asked > PAUSE.toNanos()) {
        known = ask(follower, role.upstream(), goesOn ? known : null);
        outage = known;
        asked = System.nanoTime();
      }
      return known == null ? 0 : known.since() + limit.toNanos() - System.nanoTime();
    } finally {
      asking.unlock();
    }
  }

  private static @Nullable Outage ask(
      ReplicationSecondary follower, Address upstream, @Nullable Outage known) {
    long connections = follower.status().connections();
    long now = System.nanoTime();
    if (follower.addresses().stream().anyMatch(UpstreamProbe::answers)) {
      return null;
    }
    return known != null ? known : new Outage(upstream, follower, connections, now);
  }

  @Override
  public void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
