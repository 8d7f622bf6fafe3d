package dev.zrs.server.logging;

import dev.zrs.zconfig.Location;
import java.util.Optional;

/**
 * One {@code <logfile>} section.
 *
 * @param path a file, or STDERR or STDOUT
 * @param format of an event, with real line ends
 * @param dateFormat of {@code %(asctime)s}; empty for Python's default with milliseconds
 * @param level Python level number of the least event that is written; 0 for all
 * @param maxSize bytes at which the file is rotated; 0 for never
 * @param oldFiles how many rotated files are kept
 * @param location where the section stands; empty if it is a default
 */
public record LogFile(
    String path,
    PythonFormat format,
    String dateFormat,
    int level,
    long maxSize,
    int oldFiles,
    Optional<Location> location) {
  /** ZConfig's default for {@code format}. */
  public static final String DEFAULT_FORMAT =
      "------\n%(asctime)s %(levelname)s %(name)s %(message)s";

  /** ZConfig's default for {@code dateformat}. */
  public static final String DEFAULT_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S";

  /** Whether events go to a standard stream of the process. */
  public boolean isStandardStream() {
    return path.equals("STDERR") || path.equals("STDOUT");
  }
}
