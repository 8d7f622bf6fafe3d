package dev.zrs.server.logging;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Formats times as {@code strftime} of the C library does in the C locale, with the flags {@code -
 * _ 0 ^} of GNU. What is not a conversion stays as it is. Immutable.
 */
final class Strftime {
  private final String format;
  private final ZoneId zone;

  /**
   * A format.
   *
   * @param format empty for the default of Python's logging, with a comma and milliseconds
   */
  Strftime(String format, ZoneId zone) {
    this.format = format;
    this.zone = zone;
  }

  String format(Instant instant) {
    ZonedDateTime time = instant.atZone(zone);
    if (format.isEmpty()) {
      int millis = time.getNano() / 1_000_000;
      return expand("%Y-%m-%d %H:%M:%S", time) + String.format(Locale.ROOT, ",%03d", millis);
    }
    return expand(format, time);
  }

  private static String expand(String format, ZonedDateTime time) {
    StringBuilder text = new StringBuilder();
    int i = 0;
    while (i < format.length()) {
      if (format.charAt(i) != '%') {
        text.append(format.charAt(i++));
        continue;
      }
      int at = i + 1;
      char flag = 0;
      while (at < format.length() && "-_0^".indexOf(format.charAt(at)) >= 0) {
        flag = format.charAt(at++);
      }
      // The alternative forms that E and O ask for are the same in the C locale.
      if (at + 1 < format.length() && "EO".indexOf(format.charAt(at)) >= 0) {
        at++;
      }
      int end = Math.min(at + 1, format.length());
      String value = at < format.length() ? convert(format.charAt(at), flag, time) : null;
      text.append(value == null ? format.substring(i, end) : flag == '^' ? upper(value) : value);
      i = end;
    }
    return text.toString();
  }

  private static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  private static @Nullable String convert(char conversion, char flag, ZonedDateTime t) {
    int weekday = t.getDayOfWeek().getValue();
    return switch (conversion) {
      case 'a' -> pattern(t, "EEE");
      case 'A' -> pattern(t, "EEEE");
      case 'b', 'h' -> pattern(t, "MMM");
      case 'B' -> pattern(t, "MMMM");
      case 'c' -> expand("%a %b %e %H:%M:%S %Y", t);
      case 'C' -> number(t.getYear() / 100, 2, flag, '0');
      case 'd' -> number(t.getDayOfMonth(), 2, flag, '0');
      case 'D', 'x' -> expand("%m/%d/%y", t);
      case 'e' -> number(t.getDayOfMonth(), 2, flag, '_');
      case 'F' -> expand("%Y-%m-%d", t);
      case 'g' -> number(t.get(IsoFields.WEEK_BASED_YEAR) % 100, 2, flag, '0');
      case 'G' -> number(t.get(IsoFields.WEEK_BASED_YEAR), 1, flag, '0');
      case 'H' -> number(t.getHour(), 2, flag, '0');
      case 'I' -> number(t.get(ChronoField.CLOCK_HOUR_OF_AMPM), 2, flag, '0');
      case 'j' -> number(t.getDayOfYear(), 3, flag, '0');
      case 'k' -> number(t.getHour(), 2, flag, '_');
      case 'l' -> number(t.get(ChronoField.CLOCK_HOUR_OF_AMPM), 2, flag, '_');
      case 'm' -> number(t.getMonthValue(), 2, flag, '0');
      case 'M' -> number(t.getMinute(), 2, flag, '0');
      case 'n' -> "\n";
      case 'p' -> t.getHour() < 12 ? "AM" : "PM";
      case 'P' -> t.getHour() < 12 ? "am" : "pm";
      case 'r' -> expand("%I:%M:%S %p", t);
      case 'R' -> expand("%H:%M", t);
      case 's' -> Long.toString(t.toEpochSecond());
      case 'S' -> number(t.getSecond(), 2, flag, '0');
      case 't' -> "\t";
      case 'T', 'X' -> expand("%H:%M:%S", t);
      case 'u' -> number(weekday, 1, flag, '0');
      case 'U' -> number((t.getDayOfYear() + 6 - weekday % 7) / 7, 2, flag, '0');
      case 'V' -> number(t.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, flag, '0');
      case 'w' -> number(weekday % 7, 1, flag, '0');
      case 'W' -> number((t.getDayOfYear() + 6 - (weekday - 1)) / 7, 2, flag, '0');
      case 'y' -> number(t.getYear() % 100, 2, flag, '0');
      case 'Y' -> number(t.getYear(), 1, flag, '0');
      case 'z' -> pattern(t, "xx");
      case 'Z' -> pattern(t, "zzz");
      case '%' -> "%";
      default -> null;
    };
  }

  private static String pattern(ZonedDateTime time, String pattern) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time);
  }

  private static String number(int value, int digits, char flag, char usual) {
    char padding = flag == '-' || flag == '_' || flag == '0' ? flag : usual;
    String shown = Integer.toString(value);
    String missing = padding == '_' ? " " : padding == '0' ? "0" : "";
    return missing.repeat(Math.max(0, digits - shown.length())) + shown;
  }
}
