package dev.zrs.zookeeper;

import java.util.List;
import java.util.Optional;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows the servers that are registered below a path. While ZooKeeper can't be reached, what was
 * known stays known. When ZooKeeper says that nobody is registered, nobody is known: where servers
 * take free ports, an old address may belong to another database by then. Any thread may call.
 */
public final class Discovery implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");

  private final ZooKeeperConnection connection;
  private final String path;
  private final Runnable changed;
  private final Repetition repetition;
  private volatile List<ServerAddress> addresses = List.of();
  private volatile Optional<String> problem = Optional.of("not looked yet");

  private Discovery(ZooKeeperConnection connection, String path, Runnable changed) {
    this.connection = connection;
    this.path = path;
    this.changed = changed;
    this.repetition = new Repetition(connection, "watch " + path, path, new Watch());
  }

  /**
   * Begins to look.
   *
   * @param connection stays the caller's, and is to be closed after this
   * @param changed called, on the thread of this, after the addresses have changed
   */
  public static Discovery start(ZooKeeperConnection connection, String path, Runnable changed) {
    Discovery discovery = new Discovery(connection, path, changed);
    discovery.repetition.start();
    return discovery;
  }

  /** The path whose children it watches, as it was configured. */
  public String path() {
    return path;
  }

  /** Those that are registered, or were when ZooKeeper was last asked; in alphabetical order. */
  public List<ServerAddress> addresses() {
    return addresses;
  }

  /** Why nobody is known, or why what is known may be out of date; empty if neither. */
  public Optional<String> problem() {
    return problem;
  }

  private final class Watch implements Repetition.Look {
    private Optional<String> watched = Optional.empty();

    @Override
    public void take() throws Exception {
      CuratorFramework client = connection.client();
      List<ServerAddress> now;
      try {
        String resolved = Paths.resolve(client, path);
        watched = Optional.of(resolved);
        now =
            client.getChildren().usingWatcher(repetition.watcher()).forPath(resolved).stream()
                .flatMap(name -> ServerAddress.parse(name).stream())
                .sorted()
                .toList();
      } catch (KeeperException.NoNodeException e) {
        failed(connection.text(e, path));
        know(List.of());
        throw e;
      }
      if (now.isEmpty()) {
        failed(
            "nobody is registered below %s in ZooKeeper %s"
                .formatted(path, connection.connectionString()));
      } else {
        problem = Optional.empty();
      }
      know(now);
    }

    /** Last, as who is told asks why there are none. */
    private void know(List<ServerAddress> now) {
      if (now.equals(addresses)) {
        return;
      }
      if (!now.isEmpty()) {
        LOG.info(
            "below {} are registered: {}",
            path,
            String.join(", ", now.stream().map(ServerAddress::text).toList()));
      }
      addresses = now;
      changed.run();
    }

    @Override
    public void failed(String reason) {
      if (!problem.equals(Optional.of(reason))) {
        LOG.warn("{}; trying again", reason);
      }
      problem = Optional.of(reason);
    }

    @Override
    public void end() {
      watched.ifPresent(node -> connection.unwatch(repetition.watcher(), node));
    }
  }

  /** Ends it. */
  @Override
  public void close() {
    repetition.close();
  }
}
