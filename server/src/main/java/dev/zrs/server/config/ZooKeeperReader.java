package dev.zrs.server.config;

import dev.zrs.server.config.ZooKeeperConfig.Access;
import dev.zrs.server.config.ZooKeeperConfig.Authentication;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.DataTypes;
import dev.zrs.zconfig.KeyType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Reads the keys about ZooKeeper, which {@code <zrs>} and {@code <zeo>} have. */
final class ZooKeeperReader {
  /** The key that turns addresses into paths. */
  static final String ENSEMBLE = "zookeeper";

  /** zc.zk's default. */
  private static final long DEFAULT_TIMEOUT_SECONDS = 10;

  private static final long MAX_TIMEOUT_SECONDS = 24 * 3600;

  private static final List<String> CONNECTION_KEYS =
      List.of("zookeeper-auth", "zookeeper-acl", "zookeeper-properties", "zookeeper-timeout");

  private final CheckedSection section;

  private ZooKeeperReader(CheckedSection section) {
    this.section = section;
  }

  /** The keys that both sections have. */
  static List<KeyType> keys() {
    return List.of(
        KeyType.optional(ENSEMBLE, RunzeoTypes.CONNECTION_STRING),
        KeyType.optional("advertise", DataTypes.INET_ADDRESS),
        KeyType.optional("create-path", DataTypes.BOOLEAN),
        KeyType.optional("zookeeper-auth", RunzeoTypes.AUTHENTICATION),
        KeyType.optional("zookeeper-acl", RunzeoTypes.ACCESS),
        KeyType.optional("zookeeper-properties", DataTypes.STRING),
        KeyType.optional("zookeeper-timeout", DataTypes.INTEGER_NUMBER));
  }

  /**
   * The ensemble that a key names.
   *
   * @return empty if the key is not there
   */
  static Optional<ZooKeeperConfig> ensemble(CheckedSection section, String key) {
    return section.find(key, String.class).map(new ZooKeeperReader(section)::ensemble);
  }

  private ZooKeeperConfig ensemble(String connectionString) {
    long seconds = section.find("zookeeper-timeout", Long.class).orElse(DEFAULT_TIMEOUT_SECONDS);
    if (seconds < 1 || seconds > MAX_TIMEOUT_SECONDS) {
      throw section.error(
          "zookeeper-timeout", seconds + " is not a number of seconds from 1 to 86400");
    }
    Optional<Authentication> authentication = section.find("zookeeper-auth", Authentication.class);
    Access access = section.find("zookeeper-acl", Access.class).orElse(Access.READ);
    if (access == Access.CREATOR && authentication.isEmpty()) {
      throw section.error(
          "zookeeper-acl", "creator needs zookeeper-auth, or nobody is the creator");
    }
    return new ZooKeeperConfig(
        connectionString, authentication, access, clientProperties(), Duration.ofSeconds(seconds));
  }

  private Optional<Path> clientProperties() {
    String key = "zookeeper-properties";
    Optional<Path> file = section.find(key, String.class).map(Path::of);
    if (file.isPresent() && !Files.isReadable(file.get())) {
      throw section.error(key, "the file " + file.get() + " can't be read");
    }
    return file;
  }

  /** What to register below a path, which is the value of a key. */
  static RegistrationConfig registration(
      CheckedSection section, ZooKeeperConfig ensemble, String path) {
    Optional<Address.Inet> advertised = section.find("advertise", Address.Inet.class);
    if (advertised.isPresent() && advertised.get().host().isEmpty()) {
      throw section.error("advertise", "it has no host (HOST or HOST:PORT is needed)");
    }
    OptionalInt port = advertised.map(Address.Inet::port).orElseGet(OptionalInt::empty);
    if (port.isPresent() && port.getAsInt() == 0) {
      throw section.error("advertise", "nobody can connect to port 0");
    }
    return new RegistrationConfig(
        ensemble,
        path,
        advertised.map(Address.Inet::host),
        port,
        section.find("create-path", Boolean.class).orElse(false));
  }

  /** Refuses keys that mean nothing here. */
  static void requireAbsent(CheckedSection section, List<String> keys, String reason) {
    for (String key : keys) {
      if (section.find(key, Object.class).isPresent()) {
        throw section.error(key, reason);
      }
    }
  }

  /** Refuses the keys about the connection where no ensemble is named. */
  static void requireNoConnection(CheckedSection section) {
    requireAbsent(section, CONNECTION_KEYS, "there is no zookeeper that it could be for");
  }
}
