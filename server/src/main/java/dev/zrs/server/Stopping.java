package dev.zrs.server;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Ends the process in order when a signal (SIGTERM, SIGINT, SIGHUP) asks for it: what runs is
 * closed, then the process ends with exit code 0, as runzeo does. Any thread may call.
 */
final class Stopping {
  private static final Object NEVER = new Object();
  private static final AtomicReference<@Nullable Runnable> CLOSE = new AtomicReference<>();

  static {
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(Stopping::closeAndHalt));
  }

  private Stopping() {}

  /** What to do at a signal from now on. */
  static void onSignal(Runnable close) {
    CLOSE.set(close);
  }

  /**
   * A signal is to end the process at once again.
   *
   * @return whether no signal has come, so that closing is left to the caller
   */
  static boolean clear() {
    return CLOSE.getAndSet(null) != null;
  }

  /** Waits for a signal, which ends the process: does not return. */
  static void awaitSignal() {
    while (true) {
      LockSupport.park(NEVER);
    }
  }

  private static void closeAndHalt() {
    Runnable close = CLOSE.getAndSet(null);
    if (close != null) {
      close.run();
      // The JVM would exit with 128 + the signal's number, which supervisors take for a failure.
      Runtime.getRuntime().halt(Main.GOOD);
    }
  }
}
