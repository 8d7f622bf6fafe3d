package dev.zrs.zookeeper;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.curator.framework.AuthInfo;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.CuratorEvent;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.curator.framework.api.UnhandledErrorListener;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ConnectStringParser;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.data.Stat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * A session with an ensemble, which is set up again and again for as long as this is open. Nobody
 * waits for it: who needs it tries, and tries again when it changes. Any thread may call.
 */
public final class ZooKeeperConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");

  /** How long one call waits for a connection, and for its answer, before it fails. */
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

  private final CuratorFramework client;
  private final ZooKeeperOptions options;
  private final InstantSource clock;
  private final List<Signal> followers = new CopyOnWriteArrayList<>();
  private volatile Optional<Instant> awaySince;

  /** Whether a server has refused the credentials, after which a session never connects again. */
  private volatile boolean refused;

  private ZooKeeperConnection(ZooKeeperOptions options, InstantSource clock) {
    this.options = options;
    this.clock = clock;
    this.awaySince = Optional.of(clock.instant());
    Duration limit =
        CONNECT_LIMIT.compareTo(options.sessionTimeout()) < 0
            ? CONNECT_LIMIT
            : options.sessionTimeout();
    CuratorFrameworkFactory.Builder builder =
        CuratorFrameworkFactory.builder()
            .connectString(options.connectionString())
            .sessionTimeoutMs(Math.toIntExact(options.sessionTimeout().toMillis()))
            .connectionTimeoutMs(Math.toIntExact(limit.toMillis()))
            // Who uses it tries again on its own.
            .retryPolicy(new RetryNTimes(0, 0))
            // The addresses that the servers have for each other may lead nowhere from here, and
            // past TLS.
            .ensembleTracker(false)
            .authorization(
                options.credentials().stream()
                    .map(
                        proof ->
                            new AuthInfo(
                                proof.scheme(), proof.secret().getBytes(StandardCharsets.UTF_8)))
                    .toList());
    ZKClientConfig settings =
        options.clientProperties().map(ClientProperties::read).orElseGet(ZKClientConfig::new);
    if (settings.getProperty(ZKClientConfig.ZOOKEEPER_REQUEST_TIMEOUT) == null) {
      // Otherwise an answer, or a close, is waited for until the silence of the network is noticed.
      settings.setProperty(
          ZKClientConfig.ZOOKEEPER_REQUEST_TIMEOUT, String.valueOf(limit.toMillis()));
    }
    this.client = builder.zkClientConfig(settings).build();
    client.getConnectionStateListenable().addListener((curator, state) -> changed(state));
    client.getCuratorListenable().addListener((curator, event) -> noticed(event));
  }

  /**
   * Does nothing but need the libraries of ZooKeeper and Curator.
   *
   * @throws NoClassDefFoundError if one is not there
   */
  public static void load() {
    LOG.debug(
        "{}, {}, {}",
        ZooKeeper.class,
        CuratorFrameworkFactory.builder(),
        Properties.strings(new byte[] {'{', '}'}));
  }

  /**
   * Begins to connect, and does not wait for it.
   *
   * @param clock for the times in the status
   * @throws ZooKeeperException if the options can't be right
   */
  public static ZooKeeperConnection open(ZooKeeperOptions options, InstantSource clock) {
    try {
      if (new ConnectStringParser(options.connectionString()).getServerAddresses().isEmpty()) {
        throw new IllegalArgumentException("it names no server");
      }
      ZooKeeperConnection connection = new ZooKeeperConnection(options, clock);
      connection.start();
      return connection;
    } catch (IllegalArgumentException e) {
      throw new ZooKeeperException(
          "'%s' is no connection string of ZooKeeper: %s"
              .formatted(options.connectionString(), e.getMessage()),
          e);
    }
  }

  private void start() {
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    UnhandledErrorListener listener = (message, e) -> failures.add(e);
    client.getUnhandledErrorListenable().addListener(listener);
    client.start();
    client.getUnhandledErrorListenable().removeListener(listener);
    if (!failures.isEmpty()) {
      client.close();
      throw new ZooKeeperException(
          "no client of ZooKeeper %s can be made: %s"
              .formatted(options.connectionString(), failures.getFirst().getMessage()),
          failures.getFirst());
    }
  }

  private void changed(ConnectionState state) {
    switch (state) {
      case CONNECTED, RECONNECTED, READ_ONLY -> {
        awaySince = Optional.empty();
        say(Level.INFO, "connected");
      }
      case SUSPENDED -> {
        awaySince = Optional.of(clock.instant());
        say(Level.WARN, "the connection is lost; serving and replication go on");
      }
      case LOST -> {
        if (awaySince.isEmpty()) {
          awaySince = Optional.of(clock.instant());
        }
        say(Level.WARN, "the session has expired; what was registered will be again");
      }
    }
    followers.forEach(Signal::raise);
  }

  /** Of connections that only lead to a refusal nothing is said. */
  private void say(Level level, String what) {
    if (!refused) {
      LOG.atLevel(level).log("ZooKeeper {}: {}", options.connectionString(), what);
    }
  }

  private void noticed(CuratorEvent event) {
    WatchedEvent watched = event.getWatchedEvent();
    if (watched != null && watched.getState() == KeeperState.AuthFailed) {
      refused = true;
    }
  }

  /** The ensemble, as it was configured. */
  public String connectionString() {
    return options.connectionString();
  }

  /** Since when it can't be reached; empty if it can. */
  public Optional<Instant> awaySince() {
    return awaySince;
  }

  NodeAcl acl() {
    return options.acl();
  }

  CuratorFramework client() {
    return client;
  }

  /** Told by who has just used it with success. */
  void worked() {
    refused = false;
  }

  /** Whether calls make sense. */
  boolean isConnected() {
    return client.getZookeeperClient().isConnected();
  }

  /** Of the session that is there now. */
  long sessionId() throws Exception {
    return client.getZookeeperClient().getZooKeeper().getSessionId();
  }

  /**
   * Removes a node, if it was made in the session that is there now. By way of that session alone:
   * another one might remove what another server has made meanwhile.
   *
   * @return whether it is removed
   */
  boolean removeOwn(String node) throws Exception {
    if (!isConnected()) {
      return false;
    }
    ZooKeeper session = client.getZookeeperClient().getZooKeeper();
    try {
      Stat stat = session.exists(node, false);
      if (stat == null || stat.getEphemeralOwner() != session.getSessionId()) {
        return false;
      }
      session.delete(node, stat.getVersion());
      return true;
    } catch (KeeperException.NoNodeException e) {
      return false;
    }
  }

  /** Forgets what a watcher waits for, as nobody will listen any more. */
  void unwatch(CuratorWatcher watcher, String node) {
    if (!isConnected()) {
      return;
    }
    try {
      client.watchers().remove(watcher).quietly().forPath(node);
    } catch (Exception e) { // Curator declares no other
      LOG.debug("the watch of {} remains until the session ends", node, e);
    }
  }

  /** Has it raised whenever the connection changes. */
  void follow(Signal signal) {
    followers.add(signal);
  }

  void forget(Signal signal) {
    followers.remove(signal);
  }

  /** Why it is not connected, for operators. */
  String whyAway() throws Exception {
    if (refused) {
      client.getZookeeperClient().reset();
      return "ZooKeeper %s does not accept the credentials".formatted(connectionString());
    }
    return unreachable();
  }

  /** What went wrong, for operators. */
  String text(Exception e, String path) {
    return switch (e) {
      case ZooKeeperException own -> String.valueOf(own.getMessage());
      case KeeperException.NoNodeException missing -> missing(at(missing, path));
      case KeeperException.NoAuthException denied ->
          "ZooKeeper %s does not allow it at %s".formatted(connectionString(), at(denied, path));
      case KeeperException.InvalidACLException nobody ->
          "ZooKeeper %s needs credentials for a node that only its creator may use"
              .formatted(connectionString());
      case KeeperException.AuthFailedException denied ->
          "ZooKeeper %s does not accept the credentials".formatted(connectionString());
      case KeeperException.ConnectionLossException lost -> unreachable();
      case KeeperException.SessionExpiredException lost -> unreachable();
      case KeeperException.RequestTimeoutException late -> unreachable();
      default ->
          "ZooKeeper %s: %s"
              .formatted(
                  connectionString(),
                  e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
    };
  }

  private static String at(KeeperException e, String path) {
    return e.getPath() == null ? path : e.getPath();
  }

  private String missing(String node) {
    return node.equals("/")
        ? "the path in the connection string of ZooKeeper %s does not exist"
            .formatted(connectionString())
        : "there is no node %s in ZooKeeper %s".formatted(node, connectionString());
  }

  private String unreachable() {
    return "ZooKeeper %s can't be reached".formatted(connectionString());
  }

  /** Ends the session, with which everything vanishes that was registered in it. */
  @Override
  public void close() {
    client.close();
  }
}
