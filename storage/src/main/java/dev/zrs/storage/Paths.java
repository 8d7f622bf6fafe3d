package dev.zrs.storage;

import java.nio.file.Path;
import java.util.Objects;

/** Names of files beside other files. */
final class Paths {
  private Paths() {}

  /** The directory that holds {@code file}. */
  static Path directoryOf(Path file) {
    return Objects.requireNonNull(file.toAbsolutePath().getParent());
  }

  /** The file whose name is that of {@code file} with a suffix. */
  static Path withSuffix(Path file, String suffix) {
    return file.resolveSibling(file.getFileName() + suffix);
  }
}
