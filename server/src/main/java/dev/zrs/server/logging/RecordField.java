package dev.zrs.server.logging;

import ch.qos.logback.classic.spi.ILoggingEvent;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Optional;

/** The attributes of a Python log record that a format can name. */
enum RecordField {
  NAME("name", Kind.TEXT),
  LEVELNO("levelno", Kind.INTEGER),
  LEVELNAME("levelname", Kind.TEXT),
  PATHNAME("pathname", Kind.TEXT),
  FILENAME("filename", Kind.TEXT),
  MODULE("module", Kind.TEXT),
  LINENO("lineno", Kind.INTEGER),
  FUNC_NAME("funcName", Kind.TEXT),
  CREATED("created", Kind.FLOAT),
  ASCTIME("asctime", Kind.TEXT),
  MSECS("msecs", Kind.FLOAT),
  RELATIVE_CREATED("relativeCreated", Kind.FLOAT),
  THREAD("thread", Kind.INTEGER),
  THREAD_NAME("threadName", Kind.TEXT),
  PROCESS("process", Kind.INTEGER),
  PROCESS_NAME("processName", Kind.TEXT),
  MESSAGE("message", Kind.TEXT),
  MSG("msg", Kind.TEXT);

  /** What a field's value is, which decides how it can be shown. */
  enum Kind {
    TEXT("sra"),
    INTEGER("sradiuoxXeEfFgGc"),
    FLOAT("sradiueEfFgG");

    private final String conversions;

    Kind(String conversions) {
      this.conversions = conversions;
    }

    /** Whether Python's {@code %} operator shows it with this letter. */
    boolean takes(char conversion) {
      return conversions.indexOf(conversion) >= 0;
    }
  }

  private static final long PID = ProcessHandle.current().pid();

  final String pythonName;
  final Kind kind;

  RecordField(String pythonName, Kind kind) {
    this.pythonName = pythonName;
    this.kind = kind;
  }

  static Optional<RecordField> named(String name) {
    return Arrays.stream(values()).filter(field -> field.pythonName.equals(name)).findFirst();
  }

  /** The value: a String, Long or Double as the kind says. */
  Object of(ILoggingEvent event, Strftime dateFormat) {
    return switch (this) {
      case NAME -> event.getLoggerName().equals("ROOT") ? "root" : event.getLoggerName();
      case LEVELNO -> (long) PythonLevel.of(event);
      case LEVELNAME -> PythonLevel.name(PythonLevel.of(event));
      case PATHNAME, FILENAME -> file(event);
      case MODULE -> file(event).replaceFirst("\\.[^.]*$", "");
      case LINENO -> (long) caller(event).getLineNumber();
      case FUNC_NAME -> caller(event).getMethodName();
      case CREATED -> seconds(event);
      case ASCTIME -> dateFormat.format(event.getInstant());
      case MSECS -> (double) Math.floorMod(event.getInstant().toEpochMilli(), 1000);
      case RELATIVE_CREATED -> seconds(event) * 1000 - event.getLoggerContextVO().getBirthTime();
      case THREAD -> Thread.currentThread().threadId();
      case THREAD_NAME -> event.getThreadName();
      case PROCESS -> PID;
      case PROCESS_NAME -> "MainProcess";
      case MESSAGE, MSG -> event.getFormattedMessage();
    };
  }

  private static double seconds(ILoggingEvent event) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, event.getInstant()) / 1e6;
  }

  private static StackTraceElement caller(ILoggingEvent event) {
    StackTraceElement[] callers = event.getCallerData();
    return callers.length > 0
        ? callers[0]
        : new StackTraceElement("(unknown)", "(unknown function)", "(unknown file)", 0);
  }

  private static String file(ILoggingEvent event) {
    return Optional.ofNullable(caller(event).getFileName()).orElse("(unknown file)");
  }
}
