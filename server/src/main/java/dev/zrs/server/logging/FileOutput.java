package dev.zrs.server.logging;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A file that is appended to, in UTF-8, and rotated to {@code path.1}, {@code path.2}, ... when it
 * would reach a size. The process's umask decides on the mode of a new file.
 *
 * <p>Plain streams, because an interrupt of the logging thread would close a channel for all.
 */
final class FileOutput implements LogOutput {
  private final Path path;
  private final long maxSize;
  private final int oldFiles;
  private FileOutputStream stream;
  private RandomAccessFile size;

  /**
   * Opens the file.
   *
   * @param maxSize 0 for no rotation
   */
  FileOutput(Path path, long maxSize, int oldFiles) throws IOException {
    this.path = path.toAbsolutePath();
    this.maxSize = maxSize;
    this.oldFiles = oldFiles;
    this.stream = new FileOutputStream(this.path.toFile(), true);
    this.size = openForSize(stream);
  }

  private RandomAccessFile openForSize(FileOutputStream opened) throws IOException {
    try {
      // A file that may be written but not read cannot tell its size this way; no one has that.
      return new RandomAccessFile(path.toFile(), "r");
    } catch (IOException e) {
      opened.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return path.toString();
  }

  @Override
  public void write(String entry) throws IOException {
    IOException failed = null;
    if (isFull(entry)) {
      try {
        rotate();
      } catch (IOException e) {
        // The entry matters more than the size of the file, so it goes to the old one.
        failed = e;
      }
    }
    stream.write(entry.getBytes(StandardCharsets.UTF_8));
    if (failed != null) {
      throw new IOException("it cannot be rotated: " + failed, failed);
    }
  }

  /** Python adds characters to bytes here, and rotates an empty file for an entry too long. */
  private boolean isFull(String entry) throws IOException {
    return maxSize > 0
        && (Files.isRegularFile(path) || !Files.exists(path, LinkOption.NOFOLLOW_LINKS))
        && size.length() + entry.codePointCount(0, entry.length()) >= maxSize;
  }

  private void rotate() throws IOException {
    for (int i = oldFiles - 1; i >= 1; i--) {
      move(old(i), old(i + 1));
    }
    move(path, old(1));
    open();
  }

  private static void move(Path from, Path to) throws IOException {
    if (Files.exists(from)) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private Path old(int number) {
    return path.resolveSibling(path.getFileName() + "." + number);
  }

  @Override
  public void reopen() throws IOException {
    // Python's rotating handler takes a request to open again as one to rotate.
    if (maxSize > 0) {
      rotate();
    } else {
      open();
    }
  }

  private void open() throws IOException {
    FileOutputStream opened = new FileOutputStream(path.toFile(), true);
    RandomAccessFile openedSize = openForSize(opened);
    close();
    stream = opened;
    size = openedSize;
  }

  @Override
  public void close() throws IOException {
    stream.close();
    size.close();
  }
}
