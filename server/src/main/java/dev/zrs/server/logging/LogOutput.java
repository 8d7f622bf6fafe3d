package dev.zrs.server.logging;

import java.io.IOException;

/** Where lines go. Used under the lock of its appender. */
interface LogOutput {
  /** Writes one entry, which ends with a line feed, and hands it to the operating system. */
  void write(String entry) throws IOException;

  /** Starts again with the file that now has the path; on failure the old one stays in use. */
  void reopen() throws IOException;

  void close() throws IOException;

  /** How messages call it. */
  String name();
}
