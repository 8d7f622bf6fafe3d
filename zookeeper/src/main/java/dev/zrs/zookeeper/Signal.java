package dev.zrs.zookeeper;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Wakes one thread that looks at something again and again. What is raised while it looks is not
 * lost; what is raised twice wakes it once. Any thread may raise.
 */
final class Signal {
  private final Semaphore raised = new Semaphore(0);

  void raise() {
    raised.release();
  }

  /** Waits until it is raised, or the time has passed. */
  void await(Duration limit) {
    try {
      if (raised.tryAcquire(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        raised.drainPermits();
      }
    } catch (InterruptedException e) {
      // Nobody interrupts this module's threads; who is interrupted all the same looks again.
      Thread.currentThread().interrupt();
    }
  }
}
