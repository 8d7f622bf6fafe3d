package dev.zrs.server.zookeeper;

import dev.zrs.server.config.RegistrationConfig;
import dev.zrs.server.config.ZooKeeperConfig;
import dev.zrs.server.directory.DirectoryException;
import dev.zrs.server.directory.FoundUpstream;
import dev.zrs.server.directory.Registered;
import dev.zrs.server.directory.ServerDirectory;
import dev.zrs.zookeeper.NodeAcl;
import dev.zrs.zookeeper.Registration;
import dev.zrs.zookeeper.ServerAddress;
import dev.zrs.zookeeper.ZooKeeperConnection;
import dev.zrs.zookeeper.ZooKeeperException;
import dev.zrs.zookeeper.ZooKeeperOptions;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ensembles of ZooKeeper, with one session for each way to reach one. */
public final class ZooKeeperDirectory implements ServerDirectory {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");

  private final InstantSource clock;

  /** Guards {@link #connections}. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Map<ZooKeeperConfig, ZooKeeperConnection> connections = new LinkedHashMap<>();

  /**
   * Needs all the jars, so that one that is missing is noticed now.
   *
   * @param clock for the times in the status
   */
  public ZooKeeperDirectory(InstantSource clock) {
    ZooKeeperConnection.load();
    this.clock = clock;
  }

  @Override
  public FoundUpstream upstream(ZooKeeperConfig ensemble, String path) {
    return new ZooKeeperUpstream(connection(ensemble), path);
  }

  @Override
  public Registered register(RegistrationConfig registration, InetSocketAddress listening) {
    ZooKeeperConnection connection = connection(registration.ensemble());
    ServerAddress address =
        new ServerAddress(
            registration.host().orElseGet(() -> OwnHost.reachable(listening)),
            registration.port().orElse(listening.getPort()));
    if (OwnHost.isLoopback(address.host())) {
      LOG.warn(
          "{} is registered, which others can't reach from another machine: set advertise",
          address.text());
    }
    return new ZooKeeperRegistered(
        connection,
        Registration.start(connection, registration.path(), address, registration.createPath()));
  }

  private ZooKeeperConnection connection(ZooKeeperConfig ensemble) {
    lock.lock();
    try {
      return connections.computeIfAbsent(ensemble, this::open);
    } catch (ZooKeeperException e) {
      throw new DirectoryException(String.valueOf(e.getMessage()), e);
    } finally {
      lock.unlock();
    }
  }

  private ZooKeeperConnection open(ZooKeeperConfig ensemble) {
    ZooKeeperOptions options =
        ZooKeeperOptions.of(ensemble.connectionString())
            .withSessionTimeout(ensemble.sessionTimeout())
            .withAccess(
                ensemble.authentication().stream()
                    .map(proof -> new ZooKeeperOptions.Credential(proof.scheme(), proof.secret()))
                    .toList(),
                acl(ensemble.access()));
    return ZooKeeperConnection.open(
        ensemble.clientProperties().map(options::withClientProperties).orElse(options), clock);
  }

  private static NodeAcl acl(ZooKeeperConfig.Access access) {
    return switch (access) {
      case READ -> NodeAcl.READ;
      case OPEN -> NodeAcl.OPEN;
      case CREATOR -> NodeAcl.CREATOR;
    };
  }

  @Override
  public void close() {
    lock.lock();
    try {
      connections.values().forEach(ZooKeeperConnection::close);
      connections.clear();
    } finally {
      lock.unlock();
    }
  }
}
