package dev.zrs.server.zookeeper;

import dev.zrs.server.directory.DirectoryException;
import dev.zrs.zookeeper.embedded.EmbeddedZooKeeper;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** A ZooKeeper for trials, in this process and for this machine only. Any thread may call. */
public final class TrialEnsemble implements AutoCloseable {
  private final EmbeddedZooKeeper server;

  private TrialEnsemble(EmbeddedZooKeeper server) {
    this.server = server;
  }

  /**
   * Starts it.
   *
   * @param folder for its data
   * @param port where to listen; 0 for any free one
   * @throws DirectoryException if it can't be started
   */
  public static TrialEnsemble start(Path folder, int port) {
    try {
      return new TrialEnsemble(EmbeddedZooKeeper.start(folder, port));
    } catch (UncheckedIOException e) {
      throw new DirectoryException("%s: %s".formatted(e.getMessage(), e.getCause()), e);
    } catch (NoClassDefFoundError e) {
      throw DirectoryException.jarsAreMissing(e);
    }
  }

  /** What a configuration calls it. */
  public String connectionString() {
    return server.connectString();
  }

  @Override
  public void close() {
    server.close();
  }
}
