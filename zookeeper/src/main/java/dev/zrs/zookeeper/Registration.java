package dev.zrs.zookeeper;

import java.time.Duration;
import java.util.Optional;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a server registered: an ephemeral node {@code PATH/HOST:PORT} with the property {@code
 * pid}, as zc.zk's {@code register} makes it. A thread of its own looks whether it is there: when
 * the connection changes, when the node does, and now and then. Any thread may call.
 */
public final class Registration implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");
  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

  private final ZooKeeperConnection connection;
  private final String path;
  private final ServerAddress address;
  private final boolean createPath;
  private final Signal signal = new Signal();

  /** One for all looks, as ZooKeeper keeps each that it has not called yet. */
  private final CuratorWatcher watcher = event -> signal.raise();

  private final Thread thread;
  private volatile boolean closing;
  private volatile Optional<String> node = Optional.empty();
  private volatile Optional<String> problem = Optional.of("not registered yet");

  private Registration(
      ZooKeeperConnection connection, String path, ServerAddress address, boolean createPath) {
    this.connection = connection;
    this.path = path;
    this.address = address;
    this.createPath = createPath;
    this.thread =
        Thread.ofPlatform()
            .name("zookeeper register " + address.text())
            .daemon()
            .unstarted(this::run);
  }

  /**
   * Registers a server which is accepting connections by now.
   *
   * @param connection stays the caller's, and is to be closed after this
   * @param path the node below which to register
   * @param createPath whether to make that node if it is missing; otherwise this waits for it
   */
  public static Registration start(
      ZooKeeperConnection connection, String path, ServerAddress address, boolean createPath) {
    Registration registration = new Registration(connection, path, address, createPath);
    connection.follow(registration.signal);
    registration.thread.start();
    return registration;
  }

  /** The path below which it is registered, as it was configured. */
  public String path() {
    return path;
  }

  /** What others are told. */
  public ServerAddress address() {
    return address;
  }

  /** Why it is not registered; empty if it is. */
  public Optional<String> problem() {
    return problem;
  }

  private void run() {
    while (!closing) {
      boolean there = false;
      try {
        register();
        there = true;
      } catch (Exception e) { // Curator declares no other
        failed(connection.text(e, path));
      }
      signal.await(there ? LOOK_AGAIN : RETRY);
    }
    remove();
  }

  private void register() throws Exception {
    CuratorFramework client = connection.client();
    String below = Paths.below(parent(client), address.text());
    Stat stat = client.checkExists().usingWatcher(watcher).forPath(below);
    if (stat != null && stat.getEphemeralOwner() != connection.sessionId()) {
      throw new ZooKeeperException(
          "%s is registered in ZooKeeper %s by another session (0x%x): by another server, or by one"
                  .formatted(below, connection.connectionString(), stat.getEphemeralOwner())
              + " that has just ended; waiting until it goes",
          null);
    }
    if (stat == null) {
      create(client, below);
    }
    if (node.isEmpty() || problem.isPresent()) {
      LOG.info("{} is registered in ZooKeeper {}", below, connection.connectionString());
    }
    node = Optional.of(below);
    problem = Optional.empty();
  }

  private String parent(CuratorFramework client) throws Exception {
    try {
      return Paths.resolve(client, path);
    } catch (KeeperException.NoNodeException e) {
      if (!createPath) {
        throw e;
      }
      client
          .create()
          .creatingParentsIfNeeded()
          .withMode(CreateMode.PERSISTENT)
          // Others register there too.
          .withACL(
              (connection.acl() == NodeAcl.CREATOR ? NodeAcl.CREATOR : NodeAcl.OPEN).rights(), true)
          .forPath(path);
      return path;
    }
  }

  private void create(CuratorFramework client, String below) throws Exception {
    try {
      client
          .create()
          .withMode(CreateMode.EPHEMERAL)
          .withACL(connection.acl().rights())
          .forPath(below, Properties.ofServer(ProcessHandle.current().pid()));
    } catch (KeeperException.NodeExistsException e) {
      // The answer to an attempt of ours was lost, or somebody was quicker: looking again tells.
      LOG.debug("{} is there already", below);
      signal.raise();
    }
  }

  private void failed(String reason) {
    if (!problem.equals(Optional.of(reason))) {
      LOG.error("{} is not registered: {}; trying again", address.text(), reason);
    }
    problem = Optional.of(reason);
  }

  private void remove() {
    try {
      if (node.isPresent() && connection.awaySince().isEmpty()) {
        connection.client().delete().forPath(node.get());
        LOG.info("{} is no longer registered", node.get());
      }
    } catch (KeeperException.NoNodeException e) {
      LOG.debug("{} was not there any more", node);
    } catch (Exception e) { // Curator declares no other
      LOG.warn(
          "removing {} failed, it will vanish with the session: {}",
          node,
          connection.text(e, path));
    }
  }

  /** Removes the node, if ZooKeeper can be reached; otherwise it vanishes with the session. */
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
