package dev.zrs.server.logging;

import java.util.List;

/**
 * The {@code <eventlog>} section.
 *
 * @param level Python level number; events below it are dropped. 0 lets all through
 * @param handlers where events go; none drops all of them
 */
public record EventLog(int level, List<LogHandler> handlers) {
  public EventLog {
    handlers = List.copyOf(handlers);
  }
}
