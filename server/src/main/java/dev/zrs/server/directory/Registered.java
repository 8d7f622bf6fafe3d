package dev.zrs.server.directory;

/** A server that is kept registered. Any thread may call. */
public interface Registered extends AutoCloseable {
  DirectoryStatus status();

  /** Removes it at once, if the directory can be reached. */
  @Override
  void close();
}
