package dev.zrs.server;

import dev.zrs.server.logging.Repr;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/**
 * The output of a nagios plug-in, in the words and the shape of zc.zrs's, by which people's
 * monitoring finds it. With several storages the shape is odd: the first metric stands in the first
 * line, all others after the last line. For one thread.
 */
final class NagiosReport {
  /** Exit code of a warning. */
  static final int WARNING = 1;

  /** Exit code of an error, also of one in the command line. */
  static final int ERROR = 2;

  private static final int DIGITS = 4;

  /** Characters of a message that a server may fill with what it likes. */
  private static final int MAX_MESSAGE = 500;

  /** The storage that needs no name. */
  private static final String UNNAMED = "1";

  private final long warning;
  private final long error;
  private final boolean wantsMetrics;
  private final List<String> lines = new ArrayList<>();
  private final List<String> metrics = new ArrayList<>();
  private int code;

  /**
   * A report without lines.
   *
   * @param warning seconds of lag beyond which to warn; 0 for never
   * @param error seconds of lag beyond which it is an error; 0 for never
   * @param wantsMetrics whether to append the lags as performance data
   */
  NagiosReport(long warning, long error, boolean wantsMetrics) {
    this.warning = warning;
    this.error = error;
    this.wantsMetrics = wantsMetrics;
  }

  /** Neither side has a storage. */
  void noStorages() {
    add("No storages", WARNING);
  }

  /** A storage that only one of the two has. */
  void onlyIn(String there, String notThere, String storage) {
    add("Storage %s in %s, but not %s".formatted(Repr.of(storage, false), there, notThere), ERROR);
  }

  /** A storage that both have. */
  void add(String storage, Lag lag) {
    String shown = storage.equals(UNNAMED) ? "" : " (%s)".formatted(Repr.of(storage, false));
    switch (lag) {
      case Lag.Level() -> {
        add("Secondary%s up to date.".formatted(shown), 0);
        metric(storage, 0);
      }
      case Lag.NothingToSend() -> {
        add(
            "Secondary%s up to date. The primary names a later transaction, but has nothing of it."
                .formatted(shown),
            0);
        metric(storage, 0);
      }
      case Lag.Behind(double seconds) -> behind(storage, shown, seconds, "");
      case Lag.Unsure(double least, double most, String reason) ->
          behind(
              storage,
              shown,
              most,
              " (at most; at least %s; the primary does not say since when: %s)"
                  .formatted(number(least), plain(reason)));
      case Lag.Ahead(double seconds) -> {
        add("Primary%s behind secondary by %s seconds".formatted(shown, Repr.of(-seconds)), ERROR);
        metric(storage, -seconds);
      }
    }
  }

  private void behind(String storage, String shown, double seconds, String note) {
    long exceeded = exceeds(seconds, error) ? error : exceeds(seconds, warning) ? warning : 0;
    add(
        "Secondary%s behind primary by %s seconds%s%s"
            .formatted(shown, number(seconds), exceeded == 0 ? "" : " > " + exceeded, note),
        exceeds(seconds, error) ? ERROR : exceeds(seconds, warning) ? WARNING : 0);
    metric(storage, seconds);
  }

  private static boolean exceeds(double seconds, long limit) {
    return limit != 0 && seconds > limit;
  }

  private void add(String line, int level) {
    lines.add(line);
    code = Math.max(code, level);
  }

  private void metric(String storage, double seconds) {
    if (wantsMetrics) {
      String name = storage.equals(UNNAMED) ? "" : storage;
      metrics.add("'lag%s'=%sseconds".formatted(name, number(seconds)));
    }
  }

  private static String number(double seconds) {
    return new BigDecimal(seconds).setScale(DIGITS, RoundingMode.HALF_EVEN).toPlainString();
  }

  /** A message that comes from outside as a part of a line, whose metrics begin at a bar. */
  static String plain(String message) {
    String shown =
        message.length() > MAX_MESSAGE ? message.substring(0, MAX_MESSAGE) + "..." : message;
    return shown.replaceAll("\\p{Cntrl}+", " ").replace('|', '/');
  }

  /** All of the output; only when there is a line. */
  String text() {
    List<String> shown = new ArrayList<>(lines);
    if (!metrics.isEmpty()) {
      shown.set(0, shown.getFirst() + "|" + metrics.getFirst());
    }
    if (metrics.size() > 1) {
      String others = String.join("\n ", metrics.subList(1, metrics.size()));
      shown.add(shown.removeLast() + "| " + others);
    }
    return String.join("\n", shown) + "\n";
  }

  /** The exit code: 0, {@link #WARNING} or {@link #ERROR}. */
  int code() {
    return code;
  }
}
