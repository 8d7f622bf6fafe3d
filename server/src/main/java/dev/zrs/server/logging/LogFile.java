package dev.zrs.server.logging;

import dev.zrs.zconfig.Location;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * One {@code <logfile>} section.
 *
 * @param path a file, or STDERR or STDOUT
 * @param maxSize bytes at which the file is rotated; 0 for never
 * @param schedule when the file is rotated; empty for never
 * @param oldFiles how many rotated files are kept
 * @param delay whether the file is made only when there is something to write
 */
public record LogFile(
    String path,
    LogLayout layout,
    long maxSize,
    Optional<RotationSchedule> schedule,
    int oldFiles,
    Charset encoding,
    boolean delay,
    Optional<Location> location)
    implements LogHandler {
  /** ZConfig's default for {@code format}. */
  public static final String DEFAULT_FORMAT =
      "------\n%(asctime)s %(levelname)s %(name)s %(message)s";

  /** ZConfig's default for {@code dateformat}. */
  public static final String DEFAULT_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S";

  /** A file that is never rotated, or a standard stream. */
  static LogFile plain(String path, LogLayout layout, Optional<Location> location) {
    return new LogFile(
        path, layout, 0, Optional.empty(), 0, StandardCharsets.UTF_8, false, location);
  }

  /** Whether events go to a standard stream of the process. */
  public boolean isStandardStream() {
    return path.equals("STDERR") || path.equals("STDOUT");
  }
}
