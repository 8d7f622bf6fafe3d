package dev.zrs.zeo;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Does what may wait for one connection, in order: votes, finishes, blobs. Its thread is started
 * when there is something to do, and ends when there was nothing for a while, so that an idle
 * connection costs none.
 */
final class Worker {
  /** How long the thread waits for more; long enough that a busy client does not pay for starts. */
  private static final Duration LINGER = Duration.ofSeconds(10);

  /** How a thread is made and started. */
  interface Starter {
    void start(Runnable body);
  }

  private final Starter starter;
  private final int maxPending;
  private final Runnable failed;

  /** Guards all fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private boolean running;
  private boolean ending;

  /**
   * @param failed run if a task throws all the same: whoever waits for its answer gets none
   */
  Worker(Starter starter, int maxPending, Runnable failed) {
    this.starter = starter;
    this.maxPending = maxPending;
    this.failed = failed;
  }

  /**
   * Has something done after all that was submitted before.
   *
   * @param task must not throw
   * @throws ProtocolException if too many wait
   */
  void submit(Runnable task) {
    lock.lock();
    try {
      if (tasks.size() >= maxPending) {
        throw new ProtocolException("more than " + maxPending + " requests wait for an answer");
      }
      add(task);
    } finally {
      lock.unlock();
    }
  }

  /** Has one last thing done, and waits for it and all before it. Nothing may be submitted then. */
  void end(Runnable last) {
    lock.lock();
    try {
      if (running || !tasks.isEmpty()) {
        add(last);
        ending = true;
        changed.signalAll();
        while (running) {
          changed.awaitUninterruptibly();
        }
        return;
      }
    } finally {
      lock.unlock();
    }
    last.run();
  }

  private void add(Runnable task) {
    if (!running) {
      starter.start(this::run);
      running = true;
    }
    tasks.addLast(task);
    changed.signalAll();
  }

  private void run() {
    boolean done = false;
    try {
      for (Runnable task = next(); task != null; task = next()) {
        task.run();
      }
      done = true;
    } finally {
      if (!done) {
        stopped();
        failed.run();
      }
    }
  }

  private void stopped() {
    lock.lock();
    try {
      running = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Runnable next() {
    long nanos = LINGER.toNanos();
    lock.lock();
    try {
      while (tasks.isEmpty() && !ending && nanos > 0) {
        try {
          nanos = changed.awaitNanos(nanos);
        } catch (InterruptedException e) {
          // Nobody interrupts this thread: it may be in storage I/O. Go on as if nothing came.
          nanos -= TimeUnit.MILLISECONDS.toNanos(1);
        }
      }
      Runnable task = tasks.pollFirst();
      if (task == null) {
        running = false;
        changed.signalAll();
      }
      return task;
    } finally {
      lock.unlock();
    }
  }
}
