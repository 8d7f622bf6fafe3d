package dev.zrs.zeo;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoField;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What ZEO's monitoring counts for one storage. Any thread may call. */
final class StorageStats {
  private static final DateTimeFormatter MONTH_AND_DAY_NAMES =
      DateTimeFormatter.ofPattern("EEE MMM", Locale.ROOT);

  final LongAdder loads = new LongAdder();
  final LongAdder stores = new LongAdder();
  final LongAdder commits = new LongAdder();
  final LongAdder aborts = new LongAdder();
  final LongAdder conflicts = new LongAdder();

  /** Changes that were merged with others. */
  final LongAdder merged = new LongAdder();

  final AtomicInteger activeTransactions = new AtomicInteger();
  private final String start;
  private final AtomicReference<@Nullable LockTime> lockTime = new AtomicReference<>();

  private record LockTime(Object holder, Instant since) {}

  StorageStats(Instant start) {
    this.start = ctime(start);
  }

  void locked(Object holder, Instant since) {
    lockTime.set(new LockTime(holder, since));
  }

  void unlocked(Object holder) {
    // The next holder may have come before this one's end is noted.
    lockTime.updateAndGet(time -> time != null && time.holder().equals(holder) ? null : time);
  }

  /** Since when the commit lock is held. */
  @Nullable Instant lockedSince() {
    LockTime time = lockTime.get();
    return time == null ? null : time.since();
  }

  /** When the server started, as text. */
  String start() {
    return start;
  }

  /** C's ctime in the local time zone: {@code Mon Nov 2 17:50:54 2026}. */
  private static String ctime(Instant instant) {
    var local = instant.atZone(ZoneId.systemDefault());
    return "%s %2d %02d:%02d:%02d %d"
        .formatted(
            MONTH_AND_DAY_NAMES.format(local),
            local.getDayOfMonth(),
            local.getHour(),
            local.getMinute(),
            local.getSecond(),
            local.get(ChronoField.YEAR));
  }
}
