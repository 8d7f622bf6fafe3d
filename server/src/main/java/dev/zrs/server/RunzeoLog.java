package dev.zrs.server;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The log of the program, whose lines begin with the process id, as runzeo's do. Any thread. */
final class RunzeoLog {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");
  private static final long PID = ProcessHandle.current().pid();

  private RunzeoLog() {}

  /** Logs at INFO. */
  static void info(String message) {
    LOG.info("({}) {}", PID, message);
  }

  /** Logs at WARNING. */
  static void warn(String message) {
    LOG.warn("({}) {}", PID, message);
  }
}
