package dev.zrs.server.logging;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file that is appended to and, if so configured, put aside from time to time. The process's
 * umask decides on the mode of a new file.
 *
 * <p>Plain streams, because an interrupt of the logging thread would close a channel for all.
 */
final class FileOutput implements LogOutput {
  private final Path path;
  private final Optional<Rotation> rotation;
  private final Charset encoding;
  private final boolean delay;
  private @Nullable Open current;

  /** The file as it is open now. */
  private record Open(FileOutputStream stream, RandomAccessFile size) {
    static Open at(Path path) throws IOException {
      FileOutputStream stream = new FileOutputStream(path.toFile(), true);
      try {
        // A file that may be written but not read cannot tell its size this way; no one has that.
        return new Open(stream, new RandomAccessFile(path.toFile(), "r"));
      } catch (IOException e) {
        stream.close();
        throw e;
      }
    }

    void close() throws IOException {
      stream.close();
      size.close();
    }
  }

  /**
   * Opens the file.
   *
   * @param path absolute
   * @param delay whether it is opened only when there is something to write
   */
  FileOutput(Path path, Optional<Rotation> rotation, Charset encoding, boolean delay)
      throws IOException {
    this.path = path;
    this.rotation = rotation;
    this.encoding = encoding;
    this.delay = delay;
    this.current = delay ? null : Open.at(path);
  }

  @Override
  public String name() {
    return path.toString();
  }

  @Override
  public void write(int level, String text) throws IOException {
    String entry = text + "\n";
    IOException failed = null;
    if (rotation.isPresent()) {
      try {
        rotateIfDue(rotation.get(), entry);
      } catch (IOException e) {
        // The entry matters more than the size of the file, so it goes to the old one.
        failed = e;
      }
    }
    opened().stream().write(LogEncoding.encode(entry, encoding));
    if (failed != null) {
      throw new IOException("it cannot be rotated: " + failed, failed);
    }
  }

  private Open opened() throws IOException {
    Open open = current;
    if (open == null) {
      open = Open.at(path);
      current = open;
    }
    return open;
  }

  private void rotateIfDue(Rotation by, String entry) throws IOException {
    if (by.isDue(opened().size().length(), entry)) {
      if (Files.isRegularFile(path) || !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        rotate(by);
      } else {
        by.passOver();
      }
    }
  }

  private void rotate(Rotation by) throws IOException {
    by.rotate(path);
    openAgain();
  }

  @Override
  public void reopen() throws IOException {
    // Python's rotating handlers take a request to open again as one to rotate.
    if (rotation.isPresent()) {
      rotate(rotation.get());
    } else if (current != null) {
      openAgain();
    }
  }

  private void openAgain() throws IOException {
    Open opened = delay ? null : Open.at(path);
    close();
    current = opened;
  }

  @Override
  public void close() throws IOException {
    if (current != null) {
      current.close();
      current = null;
    }
  }
}
