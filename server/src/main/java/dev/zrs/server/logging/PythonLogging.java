package dev.zrs.server.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.Location;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
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
    LogFile file =
        new LogFile(
            "STDERR",
            PythonFormat.parse(LogFile.DEFAULT_FORMAT),
            LogFile.DEFAULT_DATE_FORMAT,
            PythonLevel.NOTSET,
            0,
            0,
            Optional.empty());
    return new EventLog(level, List.of(file));
  }

  static PythonLogging start(EventLog eventLog, LoggerContext context) {
    List<PythonAppender> appenders = new ArrayList<>();
    try {
      for (LogFile file : eventLog.logFiles()) {
        int level = Math.max(eventLog.level(), file.level());
        appenders.add(new PythonAppender(level, file, open(file), System.err));
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

  private static LogOutput open(LogFile file) {
    if (file.isStandardStream()) {
      return new StreamOutput(file.path(), file.path().equals("STDERR") ? System.err : System.out);
    }
    try {
      return new FileOutput(Path.of(file.path()), file.maxSize(), file.oldFiles());
    } catch (IOException | InvalidPathException e) {
      String message =
          "path in <logfile>: cannot open the log file " + file.path() + ": " + reason(e);
      throw file.location()
          .map((Location at) -> new ConfigException(at, message, e))
          .orElseGet(() -> new ConfigException(message));
    }
  }

  /** A FileNotFoundException says the path and, in parentheses, the reason. */
  private static String reason(Exception e) {
    return String.valueOf(e.getMessage()).replaceFirst("^.* \\((.*)\\)$", "$1");
  }

  /**
   * Opens the log files again, after a program such as logrotate has moved them; a file with {@code
   * max-size} is rotated instead, as runzeo does at SIGUSR2.
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
