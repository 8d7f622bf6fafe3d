package dev.zrs.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What one call may cost the calling thread at most.
 *
 * @param allocated bytes, garbage included
 * @param cpu processor time: unlike the clock it does not run while others have the processor
 */
public record Bounds(long allocated, Duration cpu) {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /**
   * Makes the call. One that has cost more is made again, and only then counts: the first one also
   * loads classes.
   *
   * @throws AssertionError if it has cost more
   */
  public void check(Runnable call) {
    if (excess(call) != null) {
      String excess = excess(call);
      if (excess != null) {
        throw new AssertionError(excess);
      }
    }
  }

  private @Nullable String excess(Runnable call) {
    long allocatedBefore = THREADS.getCurrentThreadAllocatedBytes();
    long cpuBefore = THREADS.getCurrentThreadCpuTime();
    call.run();
    long spent = THREADS.getCurrentThreadCpuTime() - cpuBefore;
    long taken = THREADS.getCurrentThreadAllocatedBytes() - allocatedBefore;
    if (taken > allocated) {
      return "%,d bytes were allocated, not %,d".formatted(taken, allocated);
    }
    return spent > cpu.toNanos()
        ? "it took %s, not %s".formatted(Duration.ofNanos(spent), cpu)
        : null;
  }
}
