package dev.zrs.server.config;

import dev.zrs.zconfig.BadValueException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How to reach an ensemble of ZooKeeper servers.
 *
 * @param connectionString {@code HOST:PORT}, several with commas between them, then perhaps the
 *     path below which everything is looked for: {@code a:2181,b:2181/zodb}
 * @param authentication what this server says of itself; empty for nothing
 * @param access who may do what with the nodes that it makes
 * @param clientProperties a file with ZooKeeper's own client properties, say for TLS
 * @param sessionTimeout silence after which ZooKeeper takes this server for dead
 */
public record ZooKeeperConfig(
    String connectionString,
    Optional<Authentication> authentication,
    Access access,
    Optional<Path> clientProperties,
    Duration sessionTimeout) {

  /**
   * A proof of who one is.
   *
   * @param scheme such as {@code digest}
   * @param secret such as {@code user:password}; never shown
   */
  public record Authentication(String scheme, String secret) {
    @Override
    public String toString() {
      return scheme + ":…";
    }
  }

  /** Who may do what with a node. */
  public enum Access {
    /** Everybody may read it. */
    READ,

    /** Everybody may do everything. */
    OPEN,

    /** Only who has made it. */
    CREATOR
  }

  /**
   * Checks the path of a node.
   *
   * @return the path
   * @throws BadValueException if it can be none
   */
  public static String requirePath(String text) {
    if (!text.startsWith("/") || text.length() == 1) {
      throw new BadValueException(
          "'" + text + "' is no path of ZooKeeper, such as /db/replication/providers");
    }
    for (String name : text.substring(1).split("/", -1)) {
      if (name.isEmpty() || name.equals(".") || name.equals("..")) {
        throw new BadValueException("the path '" + text + "' has a name that is none");
      }
    }
    return text;
  }
}
