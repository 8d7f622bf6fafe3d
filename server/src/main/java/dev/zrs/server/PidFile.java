package dev.zrs.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file with the process id that start scripts look at. As with runzeo, not being able to write
 * it is logged and no reason to stop. Not for concurrent use.
 */
final class PidFile implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");
  private final Path path;

  private PidFile(Path path) {
    this.path = path;
  }

  /** Writes the file, replacing an old one. */
  static PidFile write(Path path) {
    try {
      Files.deleteIfExists(path);
      Files.writeString(path, ProcessHandle.current().pid() + "\n");
      RunzeoLog.info("created PID file '%s'".formatted(path));
    } catch (IOException e) {
      LOG.error("PID file '{}' cannot be opened: {}", path, e.toString());
    }
    return new PidFile(path);
  }

  /** Removes the file. */
  @Override
  public void close() {
    try {
      if (Files.deleteIfExists(path)) {
        RunzeoLog.info("removed PID file '%s'".formatted(path));
      }
    } catch (IOException e) {
      LOG.error("PID file '{}' could not be removed: {}", path, e.toString());
    }
  }
}
