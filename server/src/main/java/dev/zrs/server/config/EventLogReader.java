package dev.zrs.server.config;

import dev.zrs.server.logging.EventLog;
import dev.zrs.server.logging.LogFile;
import dev.zrs.server.logging.PythonFormat;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.CheckedSection;
import java.util.List;
import java.util.Optional;

/** Makes the records of the log sections, with the rules that go beyond single keys. */
final class EventLogReader {
  private EventLogReader() {}

  static EventLog read(CheckedSection section) {
    List<LogFile> files =
        section.ofKind(LogSchema.HANDLER).stream()
            .filter(handler -> handler.type().name().equals("logfile"))
            .map(EventLogReader::logFile)
            .toList();
    return new EventLog(section.get("level", Integer.class), files);
  }

  private static LogFile logFile(CheckedSection section) {
    LogFile file =
        new LogFile(
            section.get("path", String.class),
            format(section),
            section.get("dateformat", String.class),
            section.get("level", Integer.class),
            notNegative(section, "max-size"),
            (int) notNegative(section, "old-files"),
            Optional.of(section.location()));
    boolean rotates = file.maxSize() > 0 || file.oldFiles() > 0;
    if (file.path().isEmpty()) {
      throw section.error("path", "it is empty");
    }
    if (file.isStandardStream() && rotates) {
      throw section.error("path", "cannot rotate " + file.path());
    }
    if (rotates && file.oldFiles() == 0) {
      throw section.error("max-size", "old-files must be set for log rotation");
    }
    // The runner's log may rotate by time; ours may not yet, and is refused before it gets here.
    if (rotates && file.maxSize() == 0 && section.get("when", String.class).isEmpty()) {
      throw section.error("old-files", "max-size must be set for log rotation");
    }
    return file;
  }

  private static PythonFormat format(CheckedSection section) {
    boolean checked =
        section.get("style", String.class).equals("classic")
            && !section.get("arbitrary-fields", Boolean.class);
    try {
      return PythonFormat.parse(checked ? section.get("format", String.class) : "");
    } catch (BadValueException e) {
      throw section.error("format", e.reason());
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
