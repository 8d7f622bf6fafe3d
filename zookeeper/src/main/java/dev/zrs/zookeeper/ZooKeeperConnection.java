package dev.zrs.zookeeper;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.curator.framework.AuthInfo;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.client.ConnectStringParser;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.common.ConfigException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session with an ensemble, which is set up again and again for as long as this is open. Nobody
 * waits for it: who needs it tries, and tries again when it changes. Any thread may call.
 */
public final class ZooKeeperConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");

  /** How long one call waits for a connection before it fails. */
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

  private static final Duration RETRY = Duration.ofMillis(500);

  private final CuratorFramework client;
  private final ZooKeeperOptions options;
  private final InstantSource clock;
  private final List<Signal> followers = new CopyOnWriteArrayList<>();
  private volatile Optional<Instant> awaySince;

  private ZooKeeperConnection(ZooKeeperOptions options, InstantSource clock) {
    this.options = options;
    this.clock = clock;
    this.awaySince = Optional.of(clock.instant());
    CuratorFrameworkFactory.Builder builder =
        CuratorFrameworkFactory.builder()
            .connectString(options.connectionString())
            .sessionTimeoutMs(Math.toIntExact(options.sessionTimeout().toMillis()))
            .connectionTimeoutMs(Math.toIntExact(CONNECT_LIMIT.toMillis()))
            .retryPolicy(new RetryOneTime(Math.toIntExact(RETRY.toMillis())))
            .authorization(
                options.credentials().stream()
                    .map(
                        proof ->
                            new AuthInfo(
                                proof.scheme(), proof.secret().getBytes(StandardCharsets.UTF_8)))
                    .toList());
    options.clientProperties().ifPresent(file -> builder.zkClientConfig(properties(file)));
    this.client = builder.build();
    client.getConnectionStateListenable().addListener((curator, state) -> changed(state));
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
      connection.client.start();
      return connection;
    } catch (IllegalArgumentException e) {
      throw new ZooKeeperException(
          "'%s' is no connection string of ZooKeeper: %s"
              .formatted(options.connectionString(), e.getMessage()),
          e);
    }
  }

  private static ZKClientConfig properties(Path file) {
    try {
      return new ZKClientConfig(file);
    } catch (ConfigException e) {
      throw new ZooKeeperException(
          "the client properties %s can't be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  private void changed(ConnectionState state) {
    switch (state) {
      case CONNECTED, RECONNECTED, READ_ONLY -> {
        awaySince = Optional.empty();
        LOG.info("ZooKeeper {}: connected", options.connectionString());
      }
      case SUSPENDED -> {
        awaySince = Optional.of(clock.instant());
        LOG.warn(
            "ZooKeeper {}: the connection is lost; serving and replication go on",
            options.connectionString());
      }
      case LOST -> {
        if (awaySince.isEmpty()) {
          awaySince = Optional.of(clock.instant());
        }
        LOG.warn(
            "ZooKeeper {}: the session has expired; what was registered will be again",
            options.connectionString());
      }
    }
    followers.forEach(Signal::raise);
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

  long sessionId() throws Exception {
    return client.getZookeeperClient().getZooKeeper().getSessionId();
  }

  /** Has it raised whenever the connection changes. */
  void follow(Signal signal) {
    followers.add(signal);
  }

  void forget(Signal signal) {
    followers.remove(signal);
  }

  /** What went wrong, for operators. */
  String text(Exception e, String path) {
    return switch (e) {
      case ZooKeeperException own -> String.valueOf(own.getMessage());
      case KeeperException.NoNodeException missing ->
          "there is no node %s in ZooKeeper %s"
              .formatted(missing.getPath() == null ? path : missing.getPath(), connectionString());
      case KeeperException.NoAuthException refused ->
          "ZooKeeper %s does not allow it at %s".formatted(connectionString(), path);
      case KeeperException.AuthFailedException refused ->
          "ZooKeeper %s does not accept the credentials".formatted(connectionString());
      case KeeperException.ConnectionLossException lost -> unreachable();
      case KeeperException.SessionExpiredException lost -> unreachable();
      default -> "ZooKeeper %s: %s".formatted(connectionString(), e);
    };
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
