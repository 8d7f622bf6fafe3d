package dev.zrs.server.logging;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import java.io.IOException;
import java.io.PrintStream;
import java.time.ZoneId;
import java.util.concurrent.locks.ReentrantLock;

/** Writes events as Python's logging does. Safe for all threads. */
final class PythonAppender extends UnsynchronizedAppenderBase<ILoggingEvent> {
  private final int level;
  private final PythonFormat format;
  private final Strftime dateFormat;
  private final LogOutput output;
  private final PrintStream complaints;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean failing;

  /**
   * An appender that owns its output.
   *
   * @param level Python level number of the least event to write
   * @param complaints told, once for each spell of failure, that the output fails
   */
  PythonAppender(int level, LogLayout layout, LogOutput output, PrintStream complaints) {
    this.level = level;
    this.format = layout.format();
    this.dateFormat = new Strftime(layout.dateFormat(), ZoneId.systemDefault());
    this.output = output;
    this.complaints = complaints;
  }

  @Override
  protected void append(ILoggingEvent event) {
    int eventLevel = PythonLevel.of(event);
    if (eventLevel < level) {
      return;
    }
    String text = text(event);
    lock.lock();
    try {
      output.write(eventLevel, text);
      failing = false;
    } catch (IOException e) {
      // Logging must not stop the server, so the failure is shown where it can still be seen.
      if (!failing) {
        complaints.println("cannot write the log " + output.name() + ": " + e.getMessage());
      }
      failing = true;
    } finally {
      lock.unlock();
    }
  }

  private String text(ILoggingEvent event) {
    StringBuilder text = new StringBuilder(format.format(field -> field.of(event, dateFormat)));
    IThrowableProxy thrown = event.getThrowableProxy();
    if (thrown != null) {
      if (text.isEmpty() || text.charAt(text.length() - 1) != '\n') {
        text.append('\n');
      }
      text.append(ThrowableProxyUtil.asString(thrown).stripTrailing());
    }
    return text.toString();
  }

  void reopen() throws IOException {
    lock.lock();
    try {
      output.reopen();
    } finally {
      lock.unlock();
    }
  }

  String outputName() {
    return output.name();
  }

  @Override
  public void stop() {
    super.stop();
    lock.lock();
    try {
      output.close();
    } catch (IOException e) {
      complaints.println("cannot close the log " + output.name() + ": " + e.getMessage());
    } finally {
      lock.unlock();
    }
  }
}
