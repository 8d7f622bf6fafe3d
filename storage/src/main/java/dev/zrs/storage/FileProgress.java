package dev.zrs.storage;

/** Is told how far the reading of a file has come. Called by the thread that reads; be quick. */
@FunctionalInterface
public interface FileProgress {
  /** Tells nobody. */
  FileProgress NONE = (done, total) -> {};

  /** So many of so many bytes are read. */
  void progress(long done, long total);
}
