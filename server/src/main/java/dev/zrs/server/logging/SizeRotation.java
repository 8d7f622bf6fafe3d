package dev.zrs.server.logging;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Puts a file aside before it would reach a size, as {@code path.1}, {@code path.2}, ...
 *
 * @param maxSize bytes
 */
record SizeRotation(long maxSize, int oldFiles) implements Rotation {
  /** Python adds characters to bytes here, and rotates an empty file for an entry too long. */
  @Override
  public boolean isDue(long size, String entry) {
    return size + entry.codePointCount(0, entry.length()) >= maxSize;
  }

  @Override
  public void passOver() {}

  @Override
  public void rotate(Path file) throws IOException {
    if (!Files.exists(file)) {
      // A rotation before was done, but no new file could be opened. Again would lose an old one.
      return;
    }
    for (int i = oldFiles - 1; i >= 1; i--) {
      move(old(file, i), old(file, i + 1));
    }
    move(file, old(file, 1));
  }

  private static void move(Path from, Path to) throws IOException {
    if (Files.exists(from)) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static Path old(Path file, int number) {
    return file.resolveSibling(file.getFileName() + "." + number);
  }
}
