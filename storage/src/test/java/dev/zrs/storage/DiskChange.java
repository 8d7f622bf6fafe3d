package dev.zrs.storage;

/**
 * A change of a simulated file system, which a power cut loses unless it was synced. Files and
 * directories are numbers here, as a name may come to stand for another one.
 */
sealed interface DiskChange {
  /** A change of a file itself: durable once the file is synced. */
  sealed interface OfFile extends DiskChange {
    int file();
  }

  /** A change of the names in a directory: durable once that directory is synced. */
  sealed interface OfNames extends DiskChange {
    int directory();
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Write(int file, long position, byte[] bytes) implements OfFile {}

  record Truncate(int file, long size) implements OfFile {}

  record MakeReadOnly(int file) implements OfFile {}

  /** Gives a file a name: a new one, or a second name of an old one. */
  record Name(int directory, String name, int file) implements OfNames {}

  record MakeDirectory(int directory, String name, int made) implements OfNames {}

  record Remove(int directory, String name) implements OfNames {}

  /**
   * Happens wholly or not at all, also from one directory to another. That it is durable is only
   * promised when the directory that the node comes to is synced.
   */
  record Rename(int from, String name, int directory, String newName, int node)
      implements OfNames {}
}
