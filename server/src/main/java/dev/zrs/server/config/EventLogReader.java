package dev.zrs.server.config;

import dev.zrs.server.logging.EventLog;
import dev.zrs.server.logging.LogEncoding;
import dev.zrs.server.logging.LogFile;
import dev.zrs.server.logging.LogHandler;
import dev.zrs.server.logging.LogLayout;
import dev.zrs.server.logging.LogStyle;
import dev.zrs.server.logging.PythonFormat;
import dev.zrs.server.logging.RotationSchedule;
import dev.zrs.server.logging.Syslog;
import dev.zrs.server.logging.SyslogFacility;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.CheckedSection;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Makes the records of the log sections, with the rules that go beyond single keys. */
final class EventLogReader {
  private EventLogReader() {}

  /** The log of the server. */
  static EventLog read(CheckedSection section) {
    List<LogHandler> handlers = new ArrayList<>();
    for (CheckedSection handler : section.ofKind(LogSchema.HANDLER)) {
      handlers.add(
          switch (handler.type().name()) {
            case "logfile" -> logFile(handler);
            case "syslog" -> syslog(handler);
            default -> throw handler.error("it is not supported; <logfile> and <syslog> are");
          });
    }
    return new EventLog(section.get("level", Integer.class), handlers);
  }

  /** Refuses mistakes in a log that is not ours, as far as we know what it may say. */
  static void check(CheckedSection log) {
    log.ofKind(LogSchema.HANDLER).stream()
        .filter(handler -> handler.type().name().equals("logfile"))
        .filter(handler -> handler.find("formatter", String.class).isEmpty())
        .filter(handler -> !handler.get("arbitrary-fields", Boolean.class))
        .forEach(EventLogReader::logFile);
  }

  private static LogFile logFile(CheckedSection section) {
    Optional<RotationSchedule> schedule = schedule(section);
    LogFile file =
        new LogFile(
            section.get("path", String.class),
            layout(section),
            notNegative(section, "max-size"),
            schedule,
            (int) notNegative(section, "old-files"),
            encoding(section),
            section.get("delay", Boolean.class),
            Optional.of(section.location()));
    if (file.path().isEmpty()) {
      throw section.error("path", "it is empty");
    }
    if (file.isStandardStream()) {
      checkStandardStream(section, file);
    } else {
      checkRotation(section, file);
    }
    return file;
  }

  private static void checkStandardStream(CheckedSection section, LogFile file) {
    if (file.maxSize() > 0 || file.oldFiles() > 0 || file.schedule().isPresent()) {
      throw section.error("path", "cannot rotate " + file.path());
    }
    if (file.delay()) {
      throw section.error("delay", "cannot delay opening " + file.path());
    }
    if (section.find("encoding", String.class).isPresent()) {
      throw section.error("encoding", "cannot specify an encoding for " + file.path());
    }
  }

  private static void checkRotation(CheckedSection section, LogFile file) {
    boolean sized = file.maxSize() > 0;
    boolean timed = file.schedule().isPresent();
    long interval = section.get("interval", Long.class);
    if (sized && timed) {
      throw section.error("when", "a file can't have both max-size and when");
    }
    if ((sized || timed || interval != 0) && file.oldFiles() == 0) {
      String key = sized ? "max-size" : timed ? "when" : "interval";
      throw section.error(key, "old-files must be set for log rotation");
    }
    if ((file.oldFiles() > 0 || interval != 0) && !sized && !timed) {
      String key = file.oldFiles() > 0 ? "old-files" : "interval";
      throw section.error(key, "max-size or when must be set for log rotation");
    }
  }

  private static Optional<RotationSchedule> schedule(CheckedSection section) {
    String when = section.get("when", String.class);
    if (when.isEmpty()) {
      return Optional.empty();
    }
    long interval = section.get("interval", Long.class);
    if (interval < 0 || interval > 100_000) {
      throw section.error("interval", interval + " is out of range");
    }
    return Optional.of(
        converted(section, "when", _ -> RotationSchedule.of(when, Math.max(1, (int) interval))));
  }

  private static Charset encoding(CheckedSection section) {
    return section
        .find("encoding", String.class)
        .filter(name -> !name.isEmpty())
        .map(name -> converted(section, "encoding", _ -> LogEncoding.named(name)))
        .orElse(StandardCharsets.UTF_8);
  }

  private static Syslog syslog(CheckedSection section) {
    Address address = section.get("address", Address.class);
    if (address instanceof Address.Inet inet && inet.port().orElse(0) == 0) {
      throw section.error("address", "it has no port (HOST:PORT is needed)");
    }
    return new Syslog(
        address,
        section.get("facility", SyslogFacility.class),
        layout(section),
        Optional.of(section.location()));
  }

  private static LogLayout layout(CheckedSection section) {
    LogStyle style = section.get("style", LogStyle.class);
    return new LogLayout(
        converted(section, "format", text -> PythonFormat.parse(style, text)),
        section.get("dateformat", String.class),
        section.get("level", Integer.class));
  }

  private static <T> T converted(
      CheckedSection section, String key, Function<String, T> conversion) {
    try {
      return conversion.apply(section.get(key, String.class));
    } catch (BadValueException e) {
      throw section.error(key, e.reason());
    }
  }

  private static long notNegative(CheckedSection section, String key) {
    long value = section.get(key, Long.class);
    if (value < 0 || (key.equals("old-files") && value > Integer.MAX_VALUE)) {
      throw section.error(key, value + " is out of range");
    }
    return value;
  }
}
