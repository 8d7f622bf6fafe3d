package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Everything that the storage asks of the file system. Each call that changes something names its
 * operation, so that a test can fail, tear or lose exactly one of them and a message can say what
 * was going on. Any thread may call; an implementation need not order calls on different files.
 *
 * <p>Obligation: when {@link DiskFile#sync} or {@link #syncDirectory} returns, what was written
 * before the call survives a power cut.
 */
public interface Disk {
  /** How a file is opened. */
  enum Mode {
    /** Must exist. */
    READ,
    /** Must exist. */
    READ_WRITE,
    /** Must not exist. */
    CREATE,
    /** Made empty if it exists. */
    REPLACE
  }

  /** Held by the one who may write a storage. */
  interface Lock extends AutoCloseable {
    /** Lets go; again is harmless. */
    @Override
    void close();
  }

  /**
   * Makes sure that nobody else, in this or another process, has the lock of this name.
   *
   * @throws StorageLockedException if somebody has
   */
  Lock lock(Path file);

  /** Opens a file; the caller owns and closes it. */
  DiskFile open(Path file, Mode mode, String operation) throws IOException;

  boolean exists(Path file);

  /** Whether it is a directory, not counting symbolic links to one. */
  boolean isDirectory(Path file);

  /** Atomically gives {@code from} the name {@code to}, replacing what was there. */
  void rename(Path from, Path to, String operation) throws IOException;

  /**
   * Gives a file a second name, which must not be in use.
   *
   * @throws UnsupportedOperationException if the file system has no such links
   */
  void link(Path file, Path name, String operation) throws IOException;

  /** Removes a file, or an empty directory; no error if there is none. */
  void delete(Path file, String operation) throws IOException;

  /** Makes one directory, with the default mode; no error if it exists. */
  void createDirectory(Path directory, String operation) throws IOException;

  /** Makes the names in a directory durable. */
  void syncDirectory(Path directory, String operation) throws IOException;

  /**
   * Takes write permission away from a file that shall never change again, and lets those read it
   * who may read its directory.
   */
  void makeReadOnly(Path file, String operation) throws IOException;

  /** How many bytes can be written to files of a directory, as far as it is known. */
  default long freeSpace(Path directory) throws IOException {
    return Long.MAX_VALUE;
  }

  /** The entries of a directory, in no order. */
  List<Path> list(Path directory) throws IOException;
}
