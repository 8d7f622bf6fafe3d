package dev.zrs.server.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.DataTypes;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;

/** Python's level numbers, with the names that ZConfig and ZODB add. */
public final class PythonLevel {
  /** Lets everything through. */
  public static final int NOTSET = 0;

  static final int TRACE = 5;
  static final int DEBUG = 10;

  /** The level of messages about the normal course of things. */
  public static final int INFO = 20;

  /** The level of messages about what an operator should look at. */
  public static final int WARNING = 30;

  static final int ERROR = 40;
  static final int CRITICAL_NUMBER = 50;

  /** SLF4J has no critical level: an error event with this marker is one. */
  public static final Marker CRITICAL = MarkerFactory.getMarker("CRITICAL");

  private static final Map<String, Integer> NUMBERS =
      Map.ofEntries(
          Map.entry("critical", CRITICAL_NUMBER),
          Map.entry("fatal", CRITICAL_NUMBER),
          Map.entry("error", ERROR),
          Map.entry("warn", WARNING),
          Map.entry("warning", WARNING),
          Map.entry("info", INFO),
          Map.entry("blather", 15),
          Map.entry("debug", DEBUG),
          Map.entry("trace", TRACE),
          Map.entry("all", 1),
          Map.entry("notset", NOTSET));

  private PythonLevel() {}

  /**
   * The number of a level name in any case, or of a number from 0 to 50.
   *
   * @throws BadValueException for anything else
   */
  public static int parse(String text) {
    Integer named = NUMBERS.get(text.toLowerCase(Locale.ROOT));
    if (named != null) {
      return named;
    }
    try {
      long number = DataTypes.INTEGER_NUMBER.parse(text);
      if (number >= NOTSET && number <= CRITICAL_NUMBER) {
        return (int) number;
      }
    } catch (ConfigException e) {
      throw notALevel(text);
    }
    throw notALevel(text);
  }

  private static BadValueException notALevel(String text) {
    return new BadValueException(
        DataTypes.quote(text)
            + " is not a level: critical, error, warn, info, blather, debug, trace, all, or 0-50");
  }

  static int of(ILoggingEvent event) {
    return switch (event.getLevel().toInt()) {
      case Level.ERROR_INT -> isCritical(event) ? CRITICAL_NUMBER : ERROR;
      case Level.WARN_INT -> WARNING;
      case Level.INFO_INT -> INFO;
      case Level.DEBUG_INT -> DEBUG;
      default -> TRACE;
    };
  }

  static String name(int number) {
    return switch (number) {
      case CRITICAL_NUMBER -> "CRITICAL";
      case ERROR -> "ERROR";
      case WARNING -> "WARNING";
      case INFO -> "INFO";
      case DEBUG -> "DEBUG";
      default -> "TRACE";
    };
  }

  /** The logback level that creates all events a Python level lets through, and few others. */
  static Level logbackLevel(int number) {
    if (number <= TRACE) {
      return Level.TRACE;
    }
    if (number <= DEBUG) {
      return Level.DEBUG;
    }
    if (number <= INFO) {
      return Level.INFO;
    }
    return number <= WARNING ? Level.WARN : Level.ERROR;
  }

  private static boolean isCritical(ILoggingEvent event) {
    List<Marker> markers = event.getMarkerList();
    return markers != null && markers.stream().anyMatch(marker -> marker.contains(CRITICAL));
  }
}
