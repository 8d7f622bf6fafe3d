package dev.zrs.storage;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Threads that follow references until there are none left to follow. Each has a stack of its own;
 * one that has much gives of it to those that have nothing. All stacks are bounded: oids for which
 * there is no room are let go of, and {@link #hasLost} says so; whoever marked them finds them
 * again.
 *
 * <p>One thread, the owner, calls the methods. If one of the threads fails, all end, and the owner
 * gets the failure.
 */
final class MarkPool implements AutoCloseable {
  /** How many oids are handed over at once, at most. */
  static final int BATCH = 1024;

  private static final int MAX_BATCHES = 64;
  private static final int OWN = 16 * BATCH;

  /** With less on its stack a thread goes on alone. */
  private static final int SHARED_FROM = 64;

  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /** What one of the threads does. */
  @FunctionalInterface
  interface Follower {
    /** Follows the references of an object, and tells which others are to be followed. */
    void follow(long oid, LongConsumer reached);
  }

  /** Guards the fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final ArrayDeque<long[]> batches = new ArrayDeque<>();
  private int working;
  private boolean lost;
  private @Nullable Throwable failure;

  /** How many threads have nothing to do. Written under the lock; read without it as a hint. */
  private volatile int hungry;

  /** Written under the lock, read by threads that are at work. */
  private volatile boolean stop;

  private final List<Thread> threads = new ArrayList<>();

  /**
   * Starts the threads, or none of them.
   *
   * @param followers gives each thread its own
   */
  MarkPool(String name, int count, Supplier<Follower> followers) {
    boolean started = false;
    try {
      for (int i = 1; i <= count; i++) {
        Worker worker = new Worker(followers.get());
        threads.add(Thread.ofPlatform().name("pack " + i + " " + name).daemon().start(worker::run));
      }
      started = true;
    } finally {
      if (!started) {
        close();
      }
    }
  }

  /** Gives the owner the failure of a thread, if there is one. */
  void check() {
    if (stop) {
      lock.lock();
      try {
        throwFailure();
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Has objects followed; if there is no room, lets go of them, which {@link #hasLost} says. For an
   * owner that has what the threads may be waiting for.
   */
  void offer(long[] oids, int count) {
    lock.lock();
    try {
      throwFailure();
      if (batches.size() < MAX_BATCHES) {
        batches.add(Arrays.copyOf(oids, count));
        changed.signalAll();
      } else {
        lost = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Has objects followed; waits while there is no room. */
  void give(long[] oids, int count) {
    lock.lock();
    try {
      while (batches.size() >= MAX_BATCHES && failure == null) {
        changed.awaitUninterruptibly();
      }
      throwFailure();
      batches.add(Arrays.copyOf(oids, count));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until all is followed.
   *
   * @param tick is called now and then meanwhile
   */
  void await(Runnable tick) {
    boolean quiet = false;
    while (!quiet) {
      quiet = awaitTick();
      tick.run();
    }
  }

  private boolean awaitTick() {
    boolean interrupted = false;
    lock.lock();
    try {
      long nanos = TICK_NANOS;
      while (!isQuiet() && failure == null && nanos > 0) {
        try {
          nanos = changed.awaitNanos(nanos);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      throwFailure();
      return isQuiet();
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private boolean isQuiet() {
    return batches.isEmpty() && working == 0;
  }

  /** Whether oids were let go of since the last time that this was asked. */
  boolean hasLost() {
    lock.lock();
    try {
      boolean result = lost;
      lost = false;
      return result;
    } finally {
      lock.unlock();
    }
  }

  private void throwFailure() {
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new StorageException("a thread of the pack failed", failure);
    }
  }

  /** Ends the threads, and waits for them. */
  @Override
  public void close() {
    lock.lock();
    try {
      stop = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    for (Thread thread : threads) {
      boolean joined = false;
      while (!joined) {
        try {
          thread.join();
          joined = true;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void fail(Throwable e) {
    lock.lock();
    try {
      if (failure == null) {
        failure = e;
      }
      stop = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** One of the threads. */
  private final class Worker {
    private final Follower follower;
    private final LongConsumer reached = this::push;
    private final long[] stack = new long[OWN];
    private int size;

    Worker(Follower follower) {
      this.follower = follower;
    }

    void run() {
      try {
        while (take()) {
          while (size > 0 && !stop) {
            follower.follow(stack[--size], reached);
            boolean shared = hungry > 0;
            while (shared && size >= SHARED_FROM) {
              shared = give(size / 2, false);
            }
          }
          done();
        }
      } catch (Throwable e) {
        fail(e);
      }
    }

    private void push(long oid) {
      if (size == OWN) {
        give(BATCH, true);
      }
      stack[size++] = oid;
    }

    /** Waits for something to do; false if there will be nothing. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // under the lock
    private boolean take() {
      lock.lock();
      try {
        hungry++;
        while (batches.isEmpty() && !stop) {
          changed.awaitUninterruptibly();
        }
        hungry--;
        long[] batch = stop ? null : batches.poll();
        if (batch == null) {
          return false;
        }
        working++;
        System.arraycopy(batch, 0, stack, 0, batch.length);
        size = batch.length;
        changed.signalAll();
        return true;
      } finally {
        lock.unlock();
      }
    }

    private void done() {
      lock.lock();
      try {
        working--;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    /**
     * Gives the oldest oids to others, who then have the larger parts of what can be reached.
     *
     * @param must whether they go even if nobody wants them
     * @return whether they are given away, or lost
     */
    private boolean give(int most, boolean must) {
      int count = Math.min(most, BATCH);
      lock.lock();
      try {
        if (must ? batches.size() < MAX_BATCHES : batches.size() < hungry) {
          batches.add(Arrays.copyOf(stack, count));
          changed.signalAll();
        } else if (must) {
          lost = true;
        } else {
          return false;
        }
      } finally {
        lock.unlock();
      }
      size -= count;
      System.arraycopy(stack, count, stack, 0, size);
      return true;
    }
  }
}
