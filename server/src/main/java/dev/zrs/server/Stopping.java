package dev.zrs.server;

import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Ends the process in order when a signal asks for it: what runs is closed, then the process ends.
 * The exit codes are those of runzeo: 0 after SIGTERM and SIGINT, 1 after SIGHUP, which makes
 * zdaemon start it again. Any thread may call.
 */
final class Stopping {
  private static final Object NEVER = new Object();
  private static final Map<String, Integer> CODES =
      Map.of("TERM", Main.GOOD, "INT", Main.GOOD, "HUP", Main.BAD);
  private static final AtomicReference<@Nullable Consumer<String>> CLOSE = new AtomicReference<>();
  private static final AtomicReference<String> SIGNAL = new AtomicReference<>("TERM");

  static {
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(Stopping::closeAndHalt));
    CODES.forEach((name, code) -> Signals.handle(name, () -> exit(name, code)));
  }

  private Stopping() {}

  /**
   * What to do at a signal from now on.
   *
   * @param close is given the signal's name, such as SIGTERM
   */
  static void onSignal(Consumer<String> close) {
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

  /** From here on whoever else wants to end the process waits for the hook. */
  private static void exit(String signal, int code) {
    SIGNAL.set(signal);
    Runtime.getRuntime().exit(code);
  }

  private static void closeAndHalt() {
    Consumer<String> close = CLOSE.getAndSet(null);
    if (close != null) {
      String signal = SIGNAL.get();
      close.accept("SIG" + signal);
      Runtime.getRuntime().halt(CODES.getOrDefault(signal, Main.GOOD));
    }
  }
}
