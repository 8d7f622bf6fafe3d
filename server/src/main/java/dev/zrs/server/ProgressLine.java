package dev.zrs.server;

import java.io.Console;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A line on the terminal that says how far something has come: percent, rate, time left. It is
 * nothing where no terminal is, as in a cron job. For one thread.
 */
final class ProgressLine implements AutoCloseable {
  private static final long EVERY = Duration.ofMillis(250).toNanos();
  private static final double NANOS = 1e9;
  private static final double MEGABYTE = 1e6;
  private static final String ERASE = "\r\033[K";

  private final @Nullable PrintStream terminal;
  private String part = "";
  private long partBegun;
  private long shown;

  ProgressLine() {
    terminal = isTerminal(System.console()) ? System.err : null;
  }

  private static boolean isTerminal(@Nullable Console console) {
    return console != null && console.isTerminal();
  }

  /**
   * So much is done of a part; a new name begins a new part.
   *
   * @param bytes whether it is counted in bytes
   */
  void show(String name, long done, long total, boolean bytes) {
    if (terminal == null) {
      return;
    }
    long now = System.nanoTime();
    if (!name.equals(part)) {
      part = name;
      partBegun = now;
    } else if (now - shown < EVERY) {
      return;
    }
    shown = now;
    double rate = done / Math.max((now - partBegun) / NANOS, 1e-3);
    terminal.printf(
        Locale.ROOT,
        "%s%s: %d %%, %s, %d s left",
        ERASE,
        name,
        100 * done / Math.max(total, 1),
        bytes ? "%.1f MB/s".formatted(rate / MEGABYTE) : "%.0f/s".formatted(rate),
        Math.round((total - done) / Math.max(rate, 1)));
    terminal.flush();
  }

  /** Takes the line away. */
  @Override
  public void close() {
    if (terminal != null && !part.isEmpty()) {
      terminal.print(ERASE);
      terminal.flush();
    }
  }
}
