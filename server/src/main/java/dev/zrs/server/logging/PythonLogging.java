package dev.zrs.server.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import dev.zrs.zconfig.ConfigException;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/**
 * The logging of the process. There is one at a time: starting another takes the place of what was
 * there. Safe for all threads.
 */
public final class PythonLogging implements AutoCloseable {
  /**
   * What the libraries for ZooKeeper say, with a stack at each attempt to connect, is for who asks
   * for DEBUG; what an operator needs, we say.
   */
  private static final List<String> LIBRARIES =
      List.of("org.apache.zookeeper", "org.apache.curator", "io.netty");

  private final List<PythonAppender> appenders;

  private PythonLogging(List<PythonAppender> appenders) {
    this.appenders = List.copyOf(appenders);
  }

  /**
   * Starts logging as configured; without an event log, from INFO on to standard error, as runzeo
   * does.
   *
   * @throws ConfigException if a log file cannot be opened; then nothing has changed
   */
  public static PythonLogging start(Optional<EventLog> eventLog) {
    return start(eventLog.orElseGet(() -> standardError(PythonLevel.INFO)), context());
  }

  /** What runzeo logs to without an {@code <eventlog>}, from a level on. */
  static EventLog standardError(int level) {
    LogLayout layout =
        new LogLayout(
            PythonFormat.parse(LogFile.DEFAULT_FORMAT),
            LogFile.DEFAULT_DATE_FORMAT,
            PythonLevel.NOTSET);
    return new EventLog(level, List.of(LogFile.plain("STDERR", layout, Optional.empty())));
  }

  static PythonLogging start(EventLog eventLog, LoggerContext context) {
    List<PythonAppender> appenders = new ArrayList<>();
    try {
      for (LogHandler handler : eventLog.handlers()) {
        int level = Math.max(eventLog.level(), handler.layout().level());
        appenders.add(new PythonAppender(level, handler.layout(), open(handler), System.err));
      }
    } catch (ConfigException e) {
      appenders.forEach(PythonAppender::stop);
      throw e;
    }
    context.reset();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(PythonLevel.logbackLevel(eventLog.level()));
    if (eventLog.level() > PythonLevel.DEBUG) {
      LIBRARIES.forEach(name -> context.getLogger(name).setLevel(Level.OFF));
    }
    for (PythonAppender appender : appenders) {
      appender.setContext(context);
      appender.start();
      root.addAppender(appender);
    }
    return new PythonLogging(appenders);
  }

  private static LoggerContext context() {
    return (LoggerContext) LoggerFactory.getILoggerFactory();
  }

  private static LogOutput open(LogHandler handler) {
    try {
      return switch (handler) {
        case LogFile file when file.isStandardStream() ->
            new StreamOutput(file.path(), file.path().equals("STDERR") ? System.err : System.out);
        case LogFile file -> openFile(file);
        case Syslog syslog -> new SyslogOutput(syslog);
      };
    } catch (IOException | InvalidPathException e) {
      String message =
          switch (handler) {
            case LogFile file -> "path in <logfile>: cannot open the log file " + file.path();
            case Syslog syslog -> "address in <syslog>: cannot log to " + syslog.address().text();
          };
      message += ": " + reason(e);
      throw handler.location().isPresent()
          ? new ConfigException(handler.location().get(), message, e)
          : new ConfigException(message);
    }
  }

  private static LogOutput openFile(LogFile file) throws IOException {
    Path path = Path.of(file.path()).toAbsolutePath();
    Optional<Rotation> rotation = Optional.empty();
    if (file.schedule().isPresent()) {
      rotation =
          Optional.of(
              new TimedRotation(
                  file.schedule().get(),
                  file.oldFiles(),
                  path,
                  InstantSource.system(),
                  ZoneId.systemDefault()));
    } else if (file.maxSize() > 0) {
      rotation = Optional.of(new SizeRotation(file.maxSize(), file.oldFiles()));
    }
    return new FileOutput(path, rotation, file.encoding(), file.delay());
  }

  /** A FileNotFoundException says the path and, in parentheses, the reason. */
  private static String reason(Exception e) {
    return String.valueOf(e.getMessage()).replaceFirst("^.* \\((.*)\\)$", "$1");
  }

  /**
   * Opens the log files again, after a program such as logrotate has moved them; a file with {@code
   * max-size} or {@code when} is rotated instead, as runzeo does at SIGUSR2.
   *
   * @throws ConfigException if one or more cannot be opened; their old files stay in use
   */
  public void reopen() {
    List<String> failed = new ArrayList<>();
    for (PythonAppender appender : appenders) {
      try {
        appender.reopen();
      } catch (IOException e) {
        failed.add(appender.outputName() + " (" + reason(e) + ")");
      }
    }
    if (!failed.isEmpty()) {
      throw new ConfigException("cannot open log files again: " + String.join(", ", failed));
    }
  }

  /** Stops logging and closes the files. Later events are dropped. */
  @Override
  public void close() {
    Logger root = context().getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    for (PythonAppender appender : appenders) {
      root.detachAppender(appender);
      appender.stop();
    }
  }
}
