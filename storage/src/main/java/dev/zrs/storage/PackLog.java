package dev.zrs.storage;

import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs how a pack gets on, and what it did. For one pack, on its thread. */
final class PackLog implements PackProgress {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final long EVERY = Duration.ofSeconds(10).toNanos();
  private static final double NANOS = 1e9;
  private static final double MEGABYTE = 1e6;

  private final String name;
  private final LongSupplier nanoTime;
  private final long begun;
  private @Nullable Phase phase;
  private long phaseBegun;
  private long lastLine;

  /**
   * @param nanoTime a clock as {@link System#nanoTime}
   */
  PackLog(String name, LongSupplier nanoTime) {
    this.name = name;
    this.nanoTime = nanoTime;
    this.begun = nanoTime.getAsLong();
    this.lastLine = begun;
  }

  @Override
  public void progress(Phase now, long done, long total) {
    long time = nanoTime.getAsLong();
    if (now != phase) {
      phase = now;
      phaseBegun = time;
    }
    if (time - lastLine < EVERY || done == 0) {
      return;
    }
    lastLine = time;
    double seconds = (time - phaseBegun) / NANOS;
    double rate = done / Math.max(seconds, 1e-3);
    LOG.info(
        "{}: pack, {} {} %, {}, {} s left of this part",
        name,
        now.toString().toLowerCase(Locale.ROOT),
        100 * done / Math.max(total, 1),
        now == Phase.MARK
            ? "%.0f objects/s".formatted(rate)
            : "%.1f MB/s".formatted(rate / MEGABYTE),
        Math.round((total - done) / Math.max(rate, 1)));
  }

  /** Says at the end what was done. */
  void done(PackReport report) {
    if (report.packed()) {
      LOG.info(
          "{}: packed from {} to {} bytes in {} s: {} records removed, {} objects were garbage{};"
              + " commits stopped for at most {} ms",
          name,
          report.sizeBefore(),
          report.sizeAfter(),
          "%.1f".formatted((nanoTime.getAsLong() - begun) / NANOS),
          report.removedRecords(),
          report.garbage(),
          report.garbageKept() ? " and stay" : "",
          report.longestStop().toMillis());
    }
    for (PackReport.RemovedClass removed : report.removedClasses()) {
      LOG.info(
          "{}: removed {} records of {}, {} bytes",
          name,
          removed.records(),
          removed.className(),
          removed.bytes());
    }
    if (report.garbageKept()) {
      LOG.error(
          "{}: {} records can't be read, so that what they refer to is unknown: no garbage was"
              + " removed. 'zrs pack --gc-anyway', on the storage at rest, removes it even so",
          name,
          report.unreadableCount());
    }
    if (report.garbageUnknown()) {
      LOG.warn(
          "{}: the last transaction was packed by the upstream, and what refers to the objects here"
              + " may still be on its way: no garbage was removed, a later pack will do it",
          name);
    }
    if (report.danglingReferences() > 0) {
      LOG.warn(
          "{}: {} references lead to objects that do not exist ('zrs check --refs' lists them)",
          name,
          report.danglingReferences());
    }
  }
}
