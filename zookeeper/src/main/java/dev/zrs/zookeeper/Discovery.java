package dev.zrs.zookeeper;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorWatcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows the servers that are registered below a path. What was known stays known while ZooKeeper
 * can't be reached, and when nobody is registered any more: an old address is better than none. A
 * thread of its own looks, when the connection or the nodes change, and now and then. Any thread
 * may call.
 */
public final class Discovery implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");
  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

  private final ZooKeeperConnection connection;
  private final String path;
  private final Runnable changed;
  private final Signal signal = new Signal();

  /** One for all looks, as ZooKeeper keeps each that it has not called yet. */
  private final CuratorWatcher watcher = event -> signal.raise();

  private final Thread thread;
  private volatile boolean closing;
  private volatile List<ServerAddress> addresses = List.of();
  private volatile Optional<String> problem = Optional.of("not looked yet");

  private Discovery(ZooKeeperConnection connection, String path, Runnable changed) {
    this.connection = connection;
    this.path = path;
    this.changed = changed;
    this.thread = Thread.ofPlatform().name("zookeeper watch " + path).daemon().unstarted(this::run);
  }

  /**
   * Begins to look.
   *
   * @param connection stays the caller's, and is to be closed after this
   * @param changed called, on the thread of this, after the addresses have changed
   */
  public static Discovery start(ZooKeeperConnection connection, String path, Runnable changed) {
    Discovery discovery = new Discovery(connection, path, changed);
    connection.follow(discovery.signal);
    discovery.thread.start();
    return discovery;
  }

  /** The path whose children it watches, as it was configured. */
  public String path() {
    return path;
  }

  /** Those that are known, in alphabetical order; empty if nobody ever was. */
  public List<ServerAddress> addresses() {
    return addresses;
  }

  /** Why what is known may be out of date; empty if it isn't. */
  public Optional<String> problem() {
    return problem;
  }

  private void run() {
    while (!closing) {
      boolean found = false;
      try {
        look();
        found = true;
      } catch (Exception e) { // Curator declares no other
        failed(connection.text(e, path));
      }
      signal.await(found ? LOOK_AGAIN : RETRY);
    }
  }

  private void look() throws Exception {
    CuratorFramework client = connection.client();
    String resolved = Paths.resolve(client, path);
    List<ServerAddress> now =
        client.getChildren().usingWatcher(watcher).forPath(resolved).stream()
            .flatMap(name -> ServerAddress.parse(name).stream())
            .sorted()
            .toList();
    if (now.isEmpty()) {
      failed(
          "nobody is registered below %s in ZooKeeper %s"
              .formatted(path, connection.connectionString()));
      return;
    }
    problem = Optional.empty();
    if (!now.equals(addresses)) {
      LOG.info(
          "below {} are registered: {}",
          path,
          String.join(", ", now.stream().map(ServerAddress::text).toList()));
      addresses = now;
      changed.run();
    }
  }

  private void failed(String reason) {
    if (!problem.equals(Optional.of(reason))) {
      LOG.warn("{}; trying again", reason);
    }
    problem = Optional.of(reason);
  }

  /** Ends it. */
  @Override
  public void close() {
    closing = true;
    connection.forget(signal);
    signal.raise();
    try {
      if (!thread.join(STOP_LIMIT)) {
        LOG.error("{} did not stop in time", thread.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
