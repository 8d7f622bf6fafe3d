package dev.zrs.server.logging;

import java.io.IOException;
import java.nio.file.Path;

/** When a log file is put aside, and how. Used under the lock of its appender. */
sealed interface Rotation permits SizeRotation, TimedRotation {
  /**
   * Whether the file must be put aside before this entry.
   *
   * @param size of the file in bytes
   */
  boolean isDue(long size, String entry);

  /** The file is none that can be put aside, such as a pipe: asks again later. */
  void passOver();

  /**
   * Puts the file aside, under another name.
   *
   * @throws IOException if it can't be; it is where it was then, and the file goes on being used
   */
  void rotate(Path file) throws IOException;
}
