package dev.zrs.server.logging;

import java.io.IOException;

/** Where events go. Used under the lock of its appender. */
interface LogOutput {
  /**
   * Writes one event, and hands it to the operating system.
   *
   * @param level Python level number
   * @param text without an end of its own
   */
  void write(int level, String text) throws IOException;

  /** Starts again with the file that now has the path; on failure the old one stays in use. */
  void reopen() throws IOException;

  void close() throws IOException;

  /** How messages call it. */
  String name();
}
