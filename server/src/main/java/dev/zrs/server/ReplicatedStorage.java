package dev.zrs.server;

import dev.zrs.replication.PrimaryOptions;
import dev.zrs.replication.ReplicationPrimary;
import dev.zrs.replication.ReplicationSecondary;
import dev.zrs.replication.SecondaryOptions;
import dev.zrs.replication.SecondaryStatus;
import dev.zrs.replication.UpstreamProbe;
import dev.zrs.replication.UpstreamProbe.Answer;
import dev.zrs.server.config.ZrsConfig;
import dev.zrs.server.role.Role;
import dev.zrs.server.role.RoleException;
import dev.zrs.server.role.RoleFile;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.StorageException;
import dev.zrs.zconfig.Address;
import dev.zrs.zeo.WriteGate;
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
  private static final Logger LOG = LoggerFactory.getLogger("runzeo");

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
  private final RoleFile roleFile;
  private final Optional<ReplicationPrimary> primary;
  private final HeldWriters writers;

  /** Held while the role is changed; guards {@link #closed}. */
  private final ReentrantLock lock = new ReentrantLock();

  private volatile Role role;
  private volatile @Nullable ReplicationSecondary secondary;
  private boolean closed;

  /**
   * Listens for secondaries, if it is configured so, and does nothing else yet.
   *
   * @param storage stays the caller's, who has opened it as the role needs it; it must be closed
   *     after this
   * @param role what it is at first
   * @param clients asked only once it is started
   */
  ReplicatedStorage(
      String name,
      FileStorage storage,
      ZrsConfig config,
      Role role,
      InstantSource clock,
      Clients clients) {
    this.clients = clients;
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
    if (role instanceof Role.Secondary follower) {
      secondary = follower(follower.upstream(), false);
    }
  }

  private ReplicationSecondary follower(Address upstream, boolean acceptPacked) {
    return new ReplicationSecondary(
        upstream.toConnect(),
        storage,
        SecondaryOptions.DEFAULT
            .withKeepAliveDelay(config.keepAliveDelay())
            .withReconnectDelay(config.reconnectDelay())
            .withAcceptPacked(acceptPacked),
        clock,
        primary);
  }

  /** Begins to send and to receive. */
  void start() {
    lock.lock();
    try {
      primary.ifPresent(ReplicationPrimary::start);
      ReplicationSecondary follower = secondary;
      if (follower != null) {
        follower.start();
      }
    } finally {
      lock.unlock();
    }
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
      ReplicationSecondary follower = secondary;
      if (!(role instanceof Role.Secondary old) || follower == null) {
        return "storage '%s' is primary already".formatted(name);
      }
      if (!follower.awaitApplied(APPLY_LIMIT) && !force) {
        throw new RoleException(
            "not promoted: transactions still arrive. Wait until they have, or give them up with"
                + " --force");
      }
      String known = askUpstream(old.upstream(), force);
      LOG.info("storage '{}': promotion: following {} ends", name, old.upstream().text());
      follower.close();
      boolean promoted = false;
      try {
        requireComplete(follower.status(), force);
        takeOverBlobs();
        roleFile.write(new Role.Primary(), config.replicateFrom(), clock.instant());
        forgetIfConfigured(new Role.Primary());
        secondary = null;
        role = new Role.Primary();
        promoted = true;
      } finally {
        if (!promoted) {
          leaveBlobs(() -> {});
          startFollower(old.upstream(), false);
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

  private String askUpstream(Address upstream, boolean force) {
    Answer answer = UpstreamProbe.ask(upstream.toConnect(), storage);
    String loss =
        switch (answer) {
          case Answer.Ahead ahead ->
              "the upstream %s answers and has more: its transaction %s (%s UTC) is not here"
                  .formatted(upstream.text(), ahead.next(), ahead.next().toUtcText());
          case Answer.Diverged diverged ->
              "the upstream %s answers, and has other transactions: %s"
                  .formatted(upstream.text(), diverged.reason());
          case Answer.Level level -> "";
          case Answer.Unknown unknown -> "";
        };
    if (!loss.isEmpty()) {
      if (force) {
        return "forced, though " + loss;
      }
      throw new RoleException(
          "not promoted: %s. Wait until it has arrived, or give it up with --force"
              .formatted(loss));
    }
    return answer instanceof Answer.Unknown unknown
        ? "the upstream %s could not be asked (%s): what it has committed after that, if anything, is not known here"
            .formatted(upstream.text(), unknown.reason())
        : "the upstream %s answers and has nothing more; stop it, or have it follow this server, or it will take commits too"
            .formatted(upstream.text());
  }

  private void requireComplete(SecondaryStatus status, boolean force) {
    if (storage.lastCut().compareTo(storage.lastTransaction()) > 0 && !force) {
      throw new RoleException(
          ("not promoted: the file was the copy of one in use, and what was cut off it at the start,"
                  + " up to transaction %s (%s UTC), has not arrived again. Give it up with --force")
              .formatted(storage.lastCut(), storage.lastCut().toUtcText()));
    }
    if (status.incomplete().isPresent() && !force) {
      throw new RoleException(
          ("not promoted: of transaction %s (%s UTC) a part has arrived, and not the end; the"
                  + " upstream may have it whole. Give it up with --force")
              .formatted(status.incomplete().get(), status.incomplete().get().toUtcText()));
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
      requireNoRing(upstream);
      leaveBlobs(() -> becomeSecondary(upstream));
      startFollower(upstream, acceptPacked);
      return "storage '%s' follows %s now, from transaction %s on; see zrs status"
          .formatted(name, upstream.text(), storage.lastTransaction());
    } finally {
      lock.unlock();
    }
  }

  private void requireNoRing(Address upstream) {
    if (config.replicateTo().equals(Optional.of(upstream))) {
      throw new RoleException(upstream.text() + " is where this server itself sends from");
    }
    if (primary.isPresent()
        && ReplicationSecondary.leadsBack(upstream.toConnect(), primary.get())) {
      throw new RoleException(
          "%s is this server itself, or follows it: they would wait for each other for ever. If it is to be the primary, promote it first"
              .formatted(upstream.text()));
    }
  }

  private void becomeSecondary(Address upstream) {
    Role.Secondary wanted = new Role.Secondary(upstream);
    roleFile.write(wanted, config.replicateFrom(), clock.instant());
    forgetIfConfigured(wanted);
    boolean wasPrimary = role instanceof Role.Primary;
    ReplicationSecondary old = secondary;
    role = wanted;
    if (old != null) {
      old.close();
    }
    LOG.warn("storage '{}' follows {} from now on", name, upstream.text());
    if (wasPrimary && !clients.disconnect("storage '" + name + "' became secondary")) {
      LOG.error("storage '{}': not all clients could be disconnected in time", name);
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
      roleFile.clear();
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

  /** Stops following, then sending. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
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
