package dev.zrs.server;

import dev.zrs.replication.PrimaryOptions;
import dev.zrs.replication.ReplicationPrimary;
import dev.zrs.replication.ReplicationSecondary;
import dev.zrs.replication.SecondaryOptions;
import dev.zrs.replication.UpstreamProbe.Found;
import dev.zrs.server.config.ZrsConfig;
import dev.zrs.server.directory.DirectoryStatus;
import dev.zrs.server.directory.Registered;
import dev.zrs.server.directory.ServerDirectory;
import dev.zrs.server.role.Role;
import dev.zrs.server.role.RoleException;
import dev.zrs.server.role.RoleFile;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.StorageException;
import dev.zrs.zconfig.Address;
import dev.zrs.zeo.WriteGate;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A storage of a {@code <zrs>} section: its role, which an operator can change while it runs, and
 * what sends and receives its transactions. Any thread may call.
 */
final class ReplicatedStorage implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");

  /** The ZEO clients of the storage. */
  interface Clients {
    /** Ends the connections of all; whether all had ended within the limit. */
    boolean disconnect(String reason);

    /** Ends the connections of those that may not write. */
    boolean disconnectReaders(String reason);
  }

  /** How long a promotion waits for what has arrived to be applied. */
  private static final Duration APPLY_LIMIT = Duration.ofSeconds(30);

  private final String name;
  private final FileStorage storage;
  private final ZrsConfig config;
  private final Clients clients;
  private final InstantSource clock;
  private final Optional<ServerDirectory> directory;
  private final UpstreamFinder finder;
  private final RoleFile roleFile;
  private final Optional<ReplicationPrimary> primary;
  private final HeldWriters writers;
  private final KnownLosses losses;

  /** Held while the role is changed; guards {@link #closed}. */
  private final ReentrantLock lock = new ReentrantLock();

  private volatile Role role;
  private volatile @Nullable ReplicationSecondary secondary;
  private volatile @Nullable Registered registered;
  private boolean closed;

  /**
   * Listens for secondaries, if it is configured so, and does nothing else yet.
   *
   * @param storage stays the caller's, who has opened it as the role needs it; it must be closed
   *     after this
   * @param role what it is at first
   * @param clients asked only once it is started
   * @param directory there if the configuration needs it; stays the caller's, and is closed after
   *     this
   */
  ReplicatedStorage(
      String name,
      FileStorage storage,
      ZrsConfig config,
      Role role,
      InstantSource clock,
      Clients clients,
      Optional<ServerDirectory> directory) {
    this.clients = clients;
    this.directory = directory;
    this.finder = new UpstreamFinder(config, directory);
    this.name = name;
    this.storage = storage;
    this.config = config;
    this.clock = clock;
    this.roleFile = new RoleFile(config.base().path());
    this.role = role;
    this.primary =
        config
            .replicateTo()
            .map(
                address ->
                    new ReplicationPrimary(
                        address.toBind(),
                        storage,
                        PrimaryOptions.DEFAULT.withStrictBlobs(config.strictBlobs()),
                        clock));
    this.writers = new HeldWriters(this, config.holdWriters());
    this.losses = new KnownLosses(storage);
    if (role instanceof Role.Secondary follower) {
      secondary = follower(follower.upstream(), false);
    }
  }

  private ReplicationSecondary follower(Address upstream, boolean acceptPacked) {
    return new ReplicationSecondary(
        finder.find(upstream),
        storage,
        SecondaryOptions.DEFAULT
            .withKeepAliveDelay(config.keepAliveDelay())
            .withReconnectDelay(config.reconnectDelay())
            .withAcceptPacked(acceptPacked),
        clock,
        primary);
  }

  /** Begins to send and to receive; others are told of it once it accepts connections. */
  void start() {
    lock.lock();
    try {
      ReplicationSecondary follower = secondary;
      if (follower != null) {
        follower.start();
      }
      primary.ifPresent(ReplicationPrimary::start);
      register();
    } finally {
      lock.unlock();
    }
  }

  private void register() {
    if (!closed
        && config.registration().isPresent()
        && primary.isPresent()
        && primary.get().address() instanceof InetSocketAddress address) {
      registered = directory.orElseThrow().register(config.registration().get(), address);
    }
  }

  /** How it is registered for secondaries, if it is. */
  Optional<DirectoryStatus> registration() {
    return Optional.ofNullable(registered).map(Registered::status);
  }

  Role role() {
    return role;
  }

  /** Whether clients may not write. */
  boolean isSecondary() {
    return role instanceof Role.Secondary;
  }

  /** What lets clients write, or not. */
  WriteGate writers() {
    return writers;
  }

  Optional<ReplicationPrimary> primary() {
    return primary;
  }

  Optional<ReplicationSecondary> secondary() {
    return Optional.ofNullable(secondary);
  }

  /**
   * Makes it a primary. Clients that only read are disconnected: those who would rather write come
   * back.
   *
   * @param force also where it is known that transactions of the upstream would be lost
   * @return what was done, and what can't be known
   * @throws RoleException if transactions would be lost, or the role can't be written down
   */
  String promote(boolean force) {
    lock.lock();
    try {
      requireOpen();
      if (!(role instanceof Role.Secondary old)) {
        return "storage '%s' is primary already".formatted(name);
      }
      ReplicationSecondary follower = requireFollower();
      storage.failure().ifPresent(ReplicatedStorage::refuse);
      if (!follower.awaitApplied(APPLY_LIMIT) && !force) {
        throw new RoleException(
            "not promoted: transactions still arrive. Wait until they have, or give them up with"
                + " --force");
      }
      Found found = losses.ask(follower, force);
      String known = KnownLosses.text(found);
      LOG.info("storage '{}': promotion: following {} ends", name, old.upstream().text());
      stop(follower);
      boolean promoted = false;
      try {
        if (!force) {
          losses.requireNone(found);
        }
        takeOverBlobs();
        roleFile.write(new Role.Primary(), config.replicateFrom(), clock.instant());
        forgetIfConfigured(new Role.Primary());
        role = new Role.Primary();
        secondary = null;
        promoted = true;
      } finally {
        if (!promoted) {
          goOnFollowing(old.upstream());
        }
      }
      LOG.warn(
          "storage '{}' is promoted: it is primary from transaction {} on; {}",
          name,
          storage.lastTransaction(),
          known);
      writers.wake();
      clients.disconnectReaders("storage '" + name + "' became primary");
      return "storage '%s' is primary now, at transaction %s (%s UTC); %s"
          .formatted(name, storage.lastTransaction(), storage.lastTransaction().toUtcText(), known);
    } finally {
      lock.unlock();
    }
  }

  private ReplicationSecondary requireFollower() {
    ReplicationSecondary follower = secondary;
    if (follower == null) {
      throw new RoleException("it follows nobody at the moment: run zrs follow first");
    }
    return follower;
  }

  private static void refuse(StorageException failure) {
    throw new RoleException(
        "not promoted: the storage writes no more until the server is restarted: "
            + failure.getMessage());
  }

  /** Ends following; what has come and is not applied is remembered. */
  private void stop(ReplicationSecondary follower) {
    boolean ended = follower.stop();
    losses.note(follower.status());
    if (!ended) {
      throw new RoleException(
          "what receives transactions does not stop, so that the role can't change; see the log, and"
              + " restart the server");
    }
  }

  /** After a promotion that was refused or has failed. */
  private void goOnFollowing(Address upstream) {
    try {
      leaveBlobs(() -> {});
    } finally {
      startFollower(upstream, false);
    }
  }

  /**
   * Makes it a secondary of an upstream, or has it turn to another one. If it was primary its
   * clients are disconnected, so that writers find the new one.
   *
   * @param acceptPacked to go on where the upstream lacks the last transaction here, because a pack
   *     removed it there
   * @return what was done
   * @throws RoleException if the role can't be written down
   */
  String follow(Address upstream, boolean acceptPacked) {
    lock.lock();
    try {
      requireOpen();
      finder.requireOther(upstream, primary);
      leaveBlobs(() -> becomeSecondary(upstream));
      startFollower(upstream, acceptPacked);
      return "storage '%s' follows %s now, from transaction %s on; see zrs status"
          .formatted(name, upstream.text(), storage.lastTransaction());
    } finally {
      lock.unlock();
    }
  }

  private void becomeSecondary(Address upstream) {
    Role.Secondary wanted = new Role.Secondary(upstream);
    roleFile.write(wanted, config.replicateFrom(), clock.instant());
    forgetIfConfigured(wanted);
    boolean mayHaveWriters = role instanceof Role.Primary || secondary == null;
    ReplicationSecondary old = secondary;
    role = wanted;
    secondary = null;
    if (old != null) {
      stop(old);
    }
    LOG.warn("storage '{}' follows {} from now on", name, upstream.text());
    if (mayHaveWriters && !clients.disconnect("storage '" + name + "' became secondary")) {
      // What is still being committed must not come to stand between transactions of the upstream.
      throw new RoleException(
          "storage '%s' takes no commits any more, but one that has begun does not end; run zrs follow again"
              .formatted(name));
    }
  }

  /** Runs what makes it a secondary, after which the upstream keeps shared blobs. */
  private void leaveBlobs(Runnable becomeSecondary) {
    if (!config.skipsBlobs()) {
      becomeSecondary.run();
      return;
    }
    try {
      storage.leaveBlobs(becomeSecondary);
    } catch (StorageException e) {
      throw new RoleException("it stays what it is: " + e.getMessage(), e);
    }
  }

  private void takeOverBlobs() {
    try {
      if (config.skipsBlobs()) {
        storage.takeOverBlobs();
      }
    } catch (StorageException e) {
      throw new RoleException("not promoted: " + e.getMessage(), e);
    }
  }

  private void forgetIfConfigured(Role wanted) {
    if (config
        .replicateFrom()
        .<Role>map(Role.Secondary::new)
        .orElseGet(Role.Primary::new)
        .equals(wanted)) {
      try {
        roleFile.clear();
      } catch (RoleException e) {
        // It says the same as zeo.conf, so the next start removes it.
        LOG.warn("storage '{}': {}", name, e.getMessage());
      }
    }
  }

  private void startFollower(Address upstream, boolean acceptPacked) {
    ReplicationSecondary follower = follower(upstream, acceptPacked);
    secondary = follower;
    follower.start();
  }

  private void requireOpen() {
    if (closed) {
      throw new RoleException("the server is stopping");
    }
  }

  /** Has nobody find it any more, stops following, then sending. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      Registered told = registered;
      if (told != null) {
        told.close();
      }
      ReplicationSecondary follower = secondary;
      if (follower != null) {
        follower.close();
      }
      primary.ifPresent(ReplicationPrimary::close);
    } finally {
      lock.unlock();
    }
  }
}
