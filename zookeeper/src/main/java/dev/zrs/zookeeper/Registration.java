package dev.zrs.zookeeper;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a server registered: an ephemeral node {@code PATH/HOST:PORT} with the property {@code
 * pid}, as zc.zk's {@code register} makes it. Any thread may call.
 */
public final class Registration implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");

  private final ZooKeeperConnection connection;
  private final String path;
  private final ServerAddress address;
  private final boolean createPath;
  private final Repetition repetition;
  private volatile Optional<String> problem = Optional.of("not registered yet");

  private Registration(
      ZooKeeperConnection connection, String path, ServerAddress address, boolean createPath) {
    this.connection = connection;
    this.path = path;
    this.address = address;
    this.createPath = createPath;
    this.repetition =
        new Repetition(connection, "register " + address.text(), path, new Presence());
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
    registration.repetition.start();
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

  /** Why it is not registered, or may not be; empty if it is. */
  public Optional<String> problem() {
    return problem;
  }

  private final class Presence implements Repetition.Look {
    /** Where it is, or was, or an attempt of ours was made that may have had success. */
    private Optional<String> node = Optional.empty();

    /** Those in which it was registered: what is left of them is ours. */
    private final Set<Long> sessions = new HashSet<>();

    @Override
    public void take() throws Exception {
      CuratorFramework client = connection.client();
      String below = Paths.below(parent(client), address.text());
      if (node.isPresent() && !node.get().equals(below)) {
        // A link leads elsewhere now.
        connection.removeOwn(node.get());
      }
      node = Optional.of(below);
      while (!isThere(client, below)) {
        create(client, below);
      }
      if (problem.isPresent()) {
        LOG.info("{} is registered in ZooKeeper {}", below, connection.connectionString());
      }
      problem = Optional.empty();
    }

    /** Whether it is, in this session. */
    private boolean isThere(CuratorFramework client, String below) throws Exception {
      long session = connection.sessionId();
      Stat stat = client.checkExists().usingWatcher(repetition.watcher()).forPath(below);
      if (stat == null) {
        return false;
      }
      long owner = stat.getEphemeralOwner();
      if (owner == session) {
        sessions.add(session);
        return true;
      }
      if (sessions.contains(owner)) {
        // ZooKeeper has not noticed yet that this session is over.
        client.delete().quietly().forPath(below);
        return false;
      }
      throw new ZooKeeperException(
          "%s is registered in ZooKeeper %s by another session (0x%x): by another server, or by one"
                  .formatted(below, connection.connectionString(), owner)
              + " that has just ended; waiting until it goes",
          null);
    }

    private void create(CuratorFramework client, String below) throws Exception {
      // Before it is seen, as the answer may be lost, and the session replaced.
      sessions.add(connection.sessionId());
      try {
        client
            .create()
            .withMode(CreateMode.EPHEMERAL)
            .withACL(connection.acl().rights())
            .forPath(below, Properties.ofServer(ProcessHandle.current().pid()));
      } catch (KeeperException.NodeExistsException e) {
        // The answer to an attempt of ours was lost, or somebody was quicker: looking again tells.
        LOG.debug("{} is there already", below);
      }
    }

    private String parent(CuratorFramework client) throws Exception {
      while (true) {
        try {
          return Paths.resolve(client, path);
        } catch (KeeperException.NoNodeException e) {
          if (!createPath || e.getPath() == null || e.getPath().equals("/")) {
            throw e;
          }
          createParent(client, e.getPath());
        }
      }
    }

    /** Makes a node that others may use too. */
    private void createParent(CuratorFramework client, String missing) throws Exception {
      NodeAcl rights = connection.acl() == NodeAcl.CREATOR ? NodeAcl.CREATOR : NodeAcl.OPEN;
      try {
        client
            .create()
            .withMode(CreateMode.PERSISTENT)
            .withACL(rights.rights())
            .forPath(missing, new byte[0]);
        LOG.info("made {} in ZooKeeper {}", missing, connection.connectionString());
      } catch (KeeperException.NodeExistsException e) {
        LOG.debug("{} was made by somebody else", missing);
      }
    }

    @Override
    public void failed(String reason) {
      if (!problem.equals(Optional.of(reason))) {
        LOG.error("{} is not registered: {}; trying again", address.text(), reason);
      }
      problem = Optional.of(reason);
    }

    @Override
    public void end() {
      if (node.isEmpty()) {
        return;
      }
      try {
        if (connection.removeOwn(node.get())) {
          LOG.info("{} is no longer registered", node.get());
        }
        connection.unwatch(repetition.watcher(), node.get());
      } catch (Exception e) { // Curator declares no other
        LOG.warn(
            "removing {} failed, it will vanish with the session: {}",
            node.get(),
            connection.text(e, path));
      }
    }
  }

  /** Removes the node, if ZooKeeper can be reached; otherwise it vanishes with the session. */
  @Override
  public void close() {
    repetition.close();
  }
}
