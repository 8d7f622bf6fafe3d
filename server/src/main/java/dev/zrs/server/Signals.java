package dev.zrs.server;

import dev.zrs.server.logging.PythonLogging;
import dev.zrs.zconfig.ConfigException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SIGUSR2 reopens the log files, as with runzeo, so that logrotate's rules go on working. The start
 * script sees to it that the JVM leaves this signal alone. (There is no other way than this class
 * of the JDK's to handle a signal without ending the process.)
 */
final class Signals {
  private static final Logger LOG = LoggerFactory.getLogger("runzeo");

  private Signals() {}

  /**
   * Handles SIGUSR2 from now on.
   *
   * @param configured whether there is an event log, without which there is nothing to reopen
   */
  static void reopenLogs(PythonLogging logging, boolean configured) {
    try {
      sun.misc.Signal.handle(new sun.misc.Signal("USR2"), signal -> reopen(logging, configured));
    } catch (IllegalArgumentException e) {
      // The JVM uses it itself, because it was started in another way than by the script.
      LOG.info("SIGUSR2 does not reopen the log files: {}", e.getMessage());
    }
  }

  private static void reopen(PythonLogging logging, boolean configured) {
    if (!configured) {
      LOG.warn("received SIGUSR2, but it was not handled!");
      return;
    }
    try {
      logging.reopen();
      LOG.info("Log files reopened successfully");
    } catch (ConfigException e) {
      LOG.error("received SIGUSR2: {}", e.getMessage());
    }
  }
}
