package dev.zrs.zookeeper;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** What this module says to operators while this is open. */
final class Logged extends AppenderBase<ILoggingEvent> implements AutoCloseable {
  private final List<ILoggingEvent> events = new CopyOnWriteArrayList<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger("zc.zk");

  Logged() {
    start();
    logger.addAppender(this);
  }

  @Override
  protected void append(ILoggingEvent event) {
    events.add(event);
  }

  /** What is at least a warning. */
  List<ILoggingEvent> warnings() {
    return events.stream().filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN)).toList();
  }

  /** Those warnings that say so; a slow connection may add others. */
  List<ILoggingEvent> warnings(String text) {
    return warnings().stream().filter(event -> event.getFormattedMessage().contains(text)).toList();
  }

  @Override
  public void close() {
    logger.detachAppender(this);
    stop();
  }
}
