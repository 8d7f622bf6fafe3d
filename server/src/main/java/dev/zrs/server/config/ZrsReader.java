package dev.zrs.server.config;

import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.CheckedSection;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Makes the record of a {@code <zrs>} section, with the rules that go beyond single keys. */
final class ZrsReader {
  private static final long DEFAULT_RECONNECT_SECONDS = 60;

  /** Half of what ZEO clients wait before they give up a call. */
  private static final long DEFAULT_HOLD_SECONDS = 15;

  private static final long MAX_SECONDS = Integer.MAX_VALUE;

  private static final String TO = "replicate-to";
  private static final String FROM = "replicate-from";

  private final CheckedSection section;
  private final FileStorageConfig base;

  private ZrsReader(CheckedSection section, FileStorageConfig base) {
    this.section = section;
    this.base = base;
  }

  static ZrsConfig read(CheckedSection section, FileStorageConfig base) {
    return new ZrsReader(section, base).read();
  }

  private ZrsConfig read() {
    Optional<ZooKeeperConfig> ensemble =
        ZooKeeperReader.ensemble(section, ZooKeeperReader.ENSEMBLE);
    Optional<ZooKeeperConfig> upstreams =
        ZooKeeperReader.ensemble(section, "replicate-from-zookeeper").or(() -> ensemble);
    Optional<Address> to = address(TO, ensemble.isPresent());
    Optional<Address> from = address(FROM, upstreams.isPresent());
    requireRoles(to, from, ensemble.equals(upstreams));
    Optional<RegistrationConfig> registration = registration(ensemble, to);
    if (upstreams.isEmpty()) {
      ZooKeeperReader.requireNoConnection(section);
    }
    return new ZrsConfig(
        base,
        registration.isPresent() ? registration.map(this::listen) : to,
        from,
        registration,
        upstreams,
        keepAliveDelay(),
        reconnectDelay(from.isPresent()),
        seconds("hold-writers", DEFAULT_HOLD_SECONDS, 0),
        strictBlobs(to.isPresent()),
        skipsBlobs(from.isPresent()),
        section.location(FROM).toString());
  }

  /** An address of TCP or a unix socket, or a path in ZooKeeper, which looks like the latter. */
  private Optional<Address> address(String key, boolean isPath) {
    Optional<Address> address = section.find(key, Address.class);
    if (isPath) {
      address.ifPresent(path -> requirePath(key, path));
    } else if (address.isPresent()
        && address.get() instanceof Address.Inet inet
        && inet.port().isEmpty()) {
      throw section.error(key, "'" + inet.host() + "' has no port (host:port is needed)");
    }
    return address;
  }

  private void requirePath(String key, Address path) {
    try {
      RunzeoTypes.NODE_PATH.parse(path.text());
    } catch (BadValueException e) {
      throw section.error(key, e.reason() + " (this <zrs> has a zookeeper)");
    }
  }

  private void requireRoles(Optional<Address> to, Optional<Address> from, boolean sameEnsemble) {
    if (to.isEmpty() && from.isEmpty()) {
      throw section.error("You must specify replicate-to and/or replicate-from.");
    }
    if (to.equals(from) && sameEnsemble) {
      throw section.error(FROM, "Values for replicate-to and replicate-from must be different.");
    }
  }

  private Optional<RegistrationConfig> registration(
      Optional<ZooKeeperConfig> ensemble, Optional<Address> to) {
    if (ensemble.isEmpty() || to.isEmpty()) {
      ZooKeeperReader.requireAbsent(
          section,
          List.of("advertise", "listen", "create-path"),
          "it is for servers that are registered, which have zookeeper and replicate-to");
      return Optional.empty();
    }
    return Optional.of(ZooKeeperReader.registration(section, ensemble.get(), to.get().text()));
  }

  /** Where to listen, as replicate-to says where to register. */
  private Address listen(RegistrationConfig registration) {
    return section
        .find("listen", Address.Inet.class)
        .map(
            given ->
                given.port().isPresent()
                    ? given
                    : new Address.Inet(given.host(), OptionalInt.of(0)))
        .orElseGet(() -> new Address.Inet("", OptionalInt.of(registration.port().orElse(0))));
  }

  private Duration keepAliveDelay() {
    long seconds = section.get("keep-alive-delay", Long.class);
    if (seconds > MAX_SECONDS) {
      throw section.error("keep-alive-delay", seconds + " is too large");
    }
    // zc.zrs takes a negative delay for none.
    return Duration.ofSeconds(Math.max(0, seconds));
  }

  private Duration reconnectDelay(boolean isSecondary) {
    if (!isSecondary && section.find("reconnect-delay", Long.class).isPresent()) {
      throw section.error("reconnect-delay", "it is for secondaries, which have replicate-from");
    }
    return seconds("reconnect-delay", DEFAULT_RECONNECT_SECONDS, 1);
  }

  private Duration seconds(String key, long ifAbsent, long least) {
    long seconds = section.find(key, Long.class).orElse(ifAbsent);
    if (seconds < least || seconds > MAX_SECONDS) {
      throw section.error(key, seconds + " is not a number of seconds >= " + least);
    }
    return Duration.ofSeconds(seconds);
  }

  private boolean strictBlobs(boolean isPrimary) {
    Optional<Boolean> strict = section.find("strict-blobs", Boolean.class);
    if (strict.isPresent() && !isPrimary) {
      throw section.error("strict-blobs", "it is for primaries, which have replicate-to");
    }
    return strict.orElse(false);
  }

  private boolean skipsBlobs(boolean isSecondary) {
    Optional<Boolean> skips = section.find("blobs", Boolean.class);
    if (skips.isPresent() && !isSecondary) {
      throw section.error(
          "blobs",
          "it is for secondaries, which have replicate-from: remove this line, a primary writes its"
              + " blobs");
    }
    if (skips.orElse(false) && base.blobDir().isEmpty()) {
      throw section.error("blobs", "skip is of no use without the blob-dir that the upstream has");
    }
    if (skips.orElse(false) && base.create()) {
      throw section.error("blobs", "skip and create true contradict each other");
    }
    return skips.orElse(false);
  }
}
