package dev.zrs.server.logging;

import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.DataTypes;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * When a log file is rotated by time, in the words of Python's logging: {@code when} and {@code
 * interval}. Immutable.
 *
 * @param unit what the interval is a number of
 * @param interval at least 1
 * @param day at whose end a weekly file is rotated
 */
public record RotationSchedule(Unit unit, int interval, Optional<DayOfWeek> day) {
  /** What an interval is counted in. */
  public enum Unit {
    SECONDS(
        Duration.ofSeconds(1), "%Y-%m-%d_%H-%M-%S", "\\d{4}-\\d{2}-\\d{2}_\\d{2}-\\d{2}-\\d{2}"),
    MINUTES(Duration.ofMinutes(1), "%Y-%m-%d_%H-%M", "\\d{4}-\\d{2}-\\d{2}_\\d{2}-\\d{2}"),
    HOURS(Duration.ofHours(1), "%Y-%m-%d_%H", "\\d{4}-\\d{2}-\\d{2}_\\d{2}"),
    DAYS(Duration.ofDays(1), "%Y-%m-%d", "\\d{4}-\\d{2}-\\d{2}"),
    MIDNIGHTS(Duration.ofDays(1), "%Y-%m-%d", "\\d{4}-\\d{2}-\\d{2}"),
    WEEKS(Duration.ofDays(7), "%Y-%m-%d", "\\d{4}-\\d{2}-\\d{2}");

    private final Duration length;
    private final String suffix;
    private final Pattern pattern;

    Unit(Duration length, String suffix, String pattern) {
      this.length = length;
      this.suffix = suffix;
      this.pattern = Pattern.compile(pattern);
    }
  }

  /**
   * Reads the two keys.
   *
   * @throws BadValueException if Python would refuse them
   */
  public static RotationSchedule of(String when, int interval) {
    String upper = when.toUpperCase(Locale.ROOT);
    return switch (upper) {
      case "S" -> of(Unit.SECONDS, interval);
      case "M" -> of(Unit.MINUTES, interval);
      case "H" -> of(Unit.HOURS, interval);
      case "D" -> of(Unit.DAYS, interval);
      case "MIDNIGHT" -> of(Unit.MIDNIGHTS, interval);
      case "W0", "W1", "W2", "W3", "W4", "W5", "W6" ->
          new RotationSchedule(
              Unit.WEEKS, interval, Optional.of(DayOfWeek.of(upper.charAt(1) - '0' + 1)));
      default ->
          throw new BadValueException(
              DataTypes.quote(when) + " is none of S, M, H, D, midnight, W0 (Monday) to W6");
    };
  }

  private static RotationSchedule of(Unit unit, int interval) {
    return new RotationSchedule(unit, interval, Optional.empty());
  }

  private Duration length() {
    return unit.length.multipliedBy(interval);
  }

  /** When a file that is begun at {@code start} is to be rotated. */
  Instant next(Instant start, ZoneId zone) {
    if (unit != Unit.MIDNIGHTS && unit != Unit.WEEKS) {
      return start.plus(length());
    }
    ZonedDateTime local = start.atZone(zone);
    long days =
        day.map(d -> Math.floorMod(d.getValue() - local.getDayOfWeek().getValue(), 7)).orElse(0)
            + 1L;
    days += length().toDays() - unit.length.toDays();
    return local.toLocalDate().plusDays(days).atStartOfDay(zone).toInstant();
  }

  /**
   * What is put behind the name of a file that is rotated at {@code now} and was due at {@code
   * due}.
   */
  String suffix(Instant due, Instant now, ZoneId zone) {
    // The clock that people look at now is the one that they know the old time by.
    return new Strftime(unit.suffix, zone.getRules().getOffset(now)).format(due.minus(length()));
  }

  /** Whether a part of a file's name is such a suffix. */
  boolean isSuffix(String part) {
    return unit.pattern.matcher(part).matches();
  }
}
