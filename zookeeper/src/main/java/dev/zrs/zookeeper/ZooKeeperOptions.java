package dev.zrs.zookeeper;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How to reach an ensemble.
 *
 * @param connectionString {@code HOST:PORT}, several with commas between them, then perhaps the
 *     path below which everything is looked for: {@code a:2181,b:2181/zodb}
 * @param sessionTimeout silence after which ZooKeeper takes this process for dead, and removes what
 *     it has registered; zc.zk has ten seconds
 * @param credentials what this process says of itself, each time that it connects
 * @param acl who may do what with the nodes that are made
 * @param clientProperties a file with ZooKeeper's own client properties, say for TLS
 */
public record ZooKeeperOptions(
    String connectionString,
    Duration sessionTimeout,
    List<Credential> credentials,
    NodeAcl acl,
    Optional<Path> clientProperties) {
  private static final Duration SESSION_TIMEOUT = Duration.ofSeconds(10);

  /**
   * A proof of who one is.
   *
   * @param scheme such as {@code digest}
   * @param secret such as {@code user:password}; never shown
   */
  public record Credential(String scheme, String secret) {
    @Override
    public String toString() {
      return scheme + ":…";
    }
  }

  public ZooKeeperOptions {
    credentials = List.copyOf(credentials);
  }

  /** With zc.zk's time-out and access rights. */
  public static ZooKeeperOptions of(String connectionString) {
    return new ZooKeeperOptions(
        connectionString, SESSION_TIMEOUT, List.of(), NodeAcl.READ, Optional.empty());
  }

  public ZooKeeperOptions withSessionTimeout(Duration value) {
    return new ZooKeeperOptions(connectionString, value, credentials, acl, clientProperties);
  }

  public ZooKeeperOptions withAccess(List<Credential> proofs, NodeAcl value) {
    return new ZooKeeperOptions(connectionString, sessionTimeout, proofs, value, clientProperties);
  }

  public ZooKeeperOptions withClientProperties(Path file) {
    return new ZooKeeperOptions(
        connectionString, sessionTimeout, credentials, acl, Optional.of(file));
  }
}
