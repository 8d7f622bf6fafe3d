package dev.zrs.server;

import dev.zrs.replication.ReplicationPrimary;
import dev.zrs.replication.ReplicationSecondary;
import dev.zrs.replication.Upstream;
import dev.zrs.server.config.RegistrationConfig;
import dev.zrs.server.config.ZooKeeperConfig;
import dev.zrs.server.config.ZrsConfig;
import dev.zrs.server.directory.ServerDirectory;
import dev.zrs.server.role.RoleException;
import dev.zrs.zconfig.Address;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Whom an address of a {@code <zrs>} section means: where there is a directory a path is one in it,
 * and no unix socket. Any thread may call.
 */
final class UpstreamFinder {
  /** How long to wait for a first look at a path. */
  private static final Duration LOOK_LIMIT = Duration.ofSeconds(3);

  private final ZrsConfig config;
  private final Optional<ServerDirectory> directory;

  /**
   * @param directory there if the configuration needs it
   */
  UpstreamFinder(ZrsConfig config, Optional<ServerDirectory> directory) {
    this.config = config;
    this.directory = directory;
  }

  /** Nothing is looked up yet. */
  Upstream find(Address address) {
    return isNode(address)
        ? directory.orElseThrow().upstream(config.upstreams().orElseThrow(), address.text())
        : Upstream.at(address.toConnect());
  }

  private boolean isNode(Address address) {
    return address instanceof Address.Unix && config.upstreams().isPresent();
  }

  /**
   * Refuses an upstream that a server can't follow.
   *
   * @param own what the server sends with, if it does
   * @throws RoleException if it is this server, or follows it, as far as that can be found out
   * @throws dev.zrs.zconfig.BadValueException if it can be no path
   */
  void requireOther(Address address, Optional<ReplicationPrimary> own) {
    boolean isNode = isNode(address);
    if (isNode) {
      ZooKeeperConfig.requirePath(address.text());
    }
    if (config.replicateTo().equals(Optional.of(address))
        || (isNode && isRegisteredBelow(address.text()))) {
      throw new RoleException(address.text() + " is where this server itself sends from");
    }
    if (own.isPresent() && leadsBack(address, own.get())) {
      throw new RoleException(
          "%s is this server itself, or follows it: they would wait for each other for ever. If it is to be the primary, promote it first"
              .formatted(address.text()));
    }
  }

  private boolean isRegisteredBelow(String path) {
    Optional<RegistrationConfig> registration = config.registration();
    return registration.isPresent()
        && registration.get().path().equals(path)
        && config.upstreams().equals(Optional.of(registration.get().ensemble()));
  }

  private boolean leadsBack(Address address, ReplicationPrimary own) {
    try (Upstream upstream = find(address)) {
      return known(upstream).stream().anyMatch(each -> ReplicationSecondary.leadsBack(each, own));
    }
  }

  private static List<SocketAddress> known(Upstream upstream) {
    CountDownLatch changed = new CountDownLatch(1);
    upstream.watch(changed::countDown);
    try {
      if (upstream.addresses().isEmpty()
          && !changed.await(LOOK_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        return List.of();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return upstream.addresses();
  }
}
