package dev.zrs.storage;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;

/**
 * A transaction id: a time stamp of eight bytes, strictly ascending in a storage. A data record's
 * serial is the tid of the transaction that wrote it.
 *
 * <p>Format (persistent/TimeStamp): the upper four bytes count minutes since 1900 in a calendar
 * whose months all have 31 days, the lower four are the fraction of the minute in units of 60 s /
 * 2^32; UTC.
 *
 * @param value the eight bytes as a big-endian number (unsigned)
 */
public record Tid(long value) implements Comparable<Tid> {
  /** Before every transaction: the last tid of an empty storage. */
  public static final Tid NONE = new Tid(0);

  /** After every transaction that a client may name. */
  public static final Tid MAX = new Tid(Long.MAX_VALUE);

  /** Size in bytes, in files and on the wire. */
  public static final int BYTES = 8;

  private static final int EPOCH_YEAR = 1900;
  private static final double SECONDS_1901_TO_1970 = 2_177_452_800.0;
  private static final double FRACTION_SECONDS = 60.0 / (1L << 32);
  private static final long MAX_FRACTION = 0xffffffffL;
  private static final DateTimeFormatter UTC =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS", Locale.ROOT);

  /**
   * Reads a tid from its eight bytes.
   *
   * @throws IllegalArgumentException if there are not exactly eight
   */
  public static Tid of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("a tid has 8 bytes, not " + bytes.length);
    }
    return new Tid(Bytes.getLong(bytes, 0));
  }

  /** The time stamp of an instant, rounded down to its resolution of about 14 ns. */
  public static Tid of(Instant instant) {
    LocalDateTime utc = LocalDateTime.ofInstant(instant, ZoneOffset.UTC);
    return of(minutes(utc), utc.getSecond() + utc.getNano() / 1e9);
  }

  /**
   * The time stamp of a moment within a minute.
   *
   * @param minute any instant of the minute
   * @param seconds less than 60
   */
  static Tid of(Instant minute, double seconds) {
    return of(minutes(LocalDateTime.ofInstant(minute, ZoneOffset.UTC)), seconds);
  }

  private static Tid of(long minutes, double seconds) {
    long fraction = Math.min((long) (seconds / FRACTION_SECONDS), MAX_FRACTION);
    return new Tid(minutes << 32 | fraction);
  }

  private static long minutes(LocalDateTime utc) {
    long minutes = (long) utc.getYear() - EPOCH_YEAR;
    minutes = minutes * 12 + utc.getMonthValue() - 1;
    minutes = minutes * 31 + utc.getDayOfMonth() - 1;
    minutes = minutes * 24 + utc.getHour();
    minutes = minutes * 60 + utc.getMinute();
    return minutes;
  }

  /** This tid if it is later than {@code other}, else the first one after {@code other}. */
  public Tid laterThan(Tid other) {
    return compareTo(other) > 0 ? this : other.next();
  }

  /** The smallest greater tid. */
  public Tid next() {
    return new Tid(value + 1);
  }

  /** The greatest smaller tid; of {@link #NONE}, itself. */
  public Tid previous() {
    return value == 0 ? this : new Tid(value - 1);
  }

  /** The time it stands for; tids that no calendar date gives are mapped to a date near by. */
  public Instant toInstant() {
    long minutes = value >>> 32;
    int minute = (int) (minutes % 60);
    int hour = (int) (minutes / 60 % 24);
    int day = (int) (minutes / (60 * 24) % 31);
    int month = (int) (minutes / (60 * 24 * 31) % 12);
    int year = EPOCH_YEAR + (int) (minutes / (60L * 24 * 31 * 12));
    double seconds = (value & MAX_FRACTION) * FRACTION_SECONDS;
    return LocalDateTime.of(year, month + 1, 1, hour, minute)
        .plusDays(day)
        .plus(Duration.ofNanos((long) (seconds * 1e9)))
        .toInstant(ZoneOffset.UTC);
  }

  /** The time it stands for in seconds since 1970, as Python computes it, to the last bit. */
  public double toEpochSeconds() {
    Instant minute = new Tid(value & ~MAX_FRACTION).toInstant();
    // Python adds the seconds to those since 1901, a larger number that has fewer bits left.
    double since1901 = minute.getEpochSecond() + SECONDS_1901_TO_1970;
    return since1901 + (value & MAX_FRACTION) * FRACTION_SECONDS - SECONDS_1901_TO_1970;
  }

  /** The time it stands for as text, UTC, in microseconds. */
  public String toUtcText() {
    return UTC.format(LocalDateTime.ofInstant(toInstant(), ZoneOffset.UTC));
  }

  /** The eight bytes, big-endian; a new array each time. */
  public byte[] toBytes() {
    return Bytes.ofLong(value);
  }

  @Override
  public int compareTo(Tid other) {
    return Long.compareUnsigned(value, other.value);
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(value);
  }
}
