package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;

/**
 * Follows an upstream: one thread connects, receives transactions and applies them to the storage,
 * and begins again when the connection ends, from where the storage stands. Any thread may call.
 *
 * <p>While more transactions have already arrived, they are applied in batches whose syncs are
 * shared; when nothing more is there, at once. Nothing of a transaction is visible before its
 * checksum was right.
 */
public final class ReplicationSecondary implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");
  private static final Marker CRITICAL = MarkerFactory.getMarker("CRITICAL");
  private static final Duration STOP_LIMIT = Duration.ofSeconds(60);

  /** How long what is looked up may take before it counts as missing. */
  private static final Duration FIRST_LOOK = Duration.ofSeconds(2);

  private static final Duration RING_LIMIT = Duration.ofSeconds(5);

  /** One refusal may be the stop of the upstream; after so many it is worth a word. */
  private static final int REFUSALS_TO_TELL = 3;

  private final Upstream upstream;
  private final FileStorage storage;
  private final SecondaryOptions options;
  private final InstantSource clock;
  private final StatusBoard board;
  private final Connector connector;
  private final RingQuestion ringQuestion;
  private final Thread thread;
  private final Optional<ReplicationPrimary> own;
  private final Pause pause = new Pause();
  private final AtomicReference<@Nullable Closeable> connection = new AtomicReference<>();

  /** Only for the receiver's thread. */
  private final AddressRound round;

  private volatile @Nullable SocketAddress lastConnected;

  /** The address that was tried last, as text. */
  private volatile String peer;

  /** Only for the receiver's thread. */
  private boolean acceptPacked;

  /** How often in a row the upstream has closed without a word; only for the receiver's thread. */
  private int refusals;

  /**
   * Prepares to follow.
   *
   * @param upstream belongs to this from now on
   * @param storage stays the caller's; it must be closed after this, and nobody else may write to
   *     it
   * @param clock for the times in the status
   * @param own what sends the same storage to others, which the upstream must not lead back to
   */
  public ReplicationSecondary(
      Upstream upstream,
      FileStorage storage,
      SecondaryOptions options,
      InstantSource clock,
      Optional<ReplicationPrimary> own) {
    this(upstream, storage, options, clock, own, InetAddress::getAllByName);
  }

  /** As the other one, of a server that does not move and a storage that nobody else follows. */
  public ReplicationSecondary(
      SocketAddress upstream, FileStorage storage, SecondaryOptions options, InstantSource clock) {
    this(Upstream.at(upstream), storage, options, clock, Optional.empty());
  }

  /**
   * As the other ones.
   *
   * @param resolver finds the addresses of the upstream's host
   */
  ReplicationSecondary(
      Upstream upstream,
      FileStorage storage,
      SecondaryOptions options,
      InstantSource clock,
      Optional<ReplicationPrimary> own,
      HostLookup.Resolver resolver) {
    this.upstream = upstream;
    this.peer = upstream.text();
    this.round = new AddressRound(upstream);
    this.storage = storage;
    this.options = options;
    this.clock = clock;
    this.acceptPacked = options.acceptPacked();
    this.own = own;
    this.connector = new Connector(options.connectLimit(), resolver, this::opened);
    this.ringQuestion =
        new RingQuestion(new Connector(options.connectLimit(), resolver, socket -> {}));
    this.board = new StatusBoard(peer, storage.lastTransaction(), clock);
    this.thread =
        Thread.ofPlatform().name("zrs receiver " + upstream.text()).daemon().unstarted(this::run);
  }

  /** Begins to follow. */
  public void start() {
    LOG.info("Opening {} {}", storage.name(), upstream.text());
    upstream.watch(pause::cut);
    thread.start();
  }

  /** Whom it follows; belongs to this. */
  public Upstream upstream() {
    return upstream;
  }

  /**
   * Where the upstream may be reached: what is known now, and where this was connected last, which
   * need not be known any more.
   */
  public List<SocketAddress> addresses() {
    List<SocketAddress> all = new ArrayList<>(upstream.addresses());
    lastConnected().filter(last -> !all.contains(last)).ifPresent(all::add);
    return all;
  }

  /** The address at which this was connected last. */
  public Optional<SocketAddress> lastConnected() {
    return Optional.ofNullable(lastConnected);
  }

  /** How it is doing now. */
  public SecondaryStatus status() {
    return board.status();
  }

  /**
   * Waits until everything that has arrived by now is applied, which {@link #close} does not: it
   * drops what is still in the buffers of the system. An upstream that goes on sending makes this
   * last as long as it may.
   *
   * @return whether it is applied within the limit
   */
  public boolean awaitApplied(Duration limit) {
    return board.awaitApplied(limit);
  }

  /**
   * Whether the upstream follows this server in turn, or is this server itself, so that no
   * transaction could ever come. An upstream of zc.zrs does not say, and one that can't be reached.
   */
  public static boolean leadsBack(SocketAddress upstream, ReplicationPrimary own) {
    Connector connector = new Connector(RING_LIMIT, InetAddress::getAllByName, socket -> {});
    RingQuestion question = new RingQuestion(connector);
    question.connected(upstream);
    return question.ask().filter(ids -> ids.contains(own.id())).isPresent();
  }

  private void run() {
    long longest = options.reconnectDelay().toMillis();
    long first = Math.min(options.firstReconnectDelay().toMillis(), longest);
    long delay = first;
    if (upstream.addresses().isEmpty() && pause.await(FIRST_LOOK.toMillis())) {
      LOG.debug("{}: found", upstream.text());
    }
    while (!isClosing()) {
      Tid before = storage.lastTransaction();
      long connections = board.status().connections();
      long began = System.nanoTime();
      Optional<SocketAddress> address = round.next();
      String reason;
      boolean fits = true;
      try {
        reason = address.isPresent() ? connectAndFollow(address.get()) : whyNone();
      } catch (DivergedException e) {
        LOG.error(CRITICAL, "{}: {}", peer, e.getMessage());
        if (upstream instanceof FixedUpstream) {
          board.stopped(SecondaryState.DIVERGED, text(e));
          return;
        }
        // One of several may be right, or another one may be registered in its place.
        fits = false;
        address.ifPresent(round::leaveOut);
        reason = text(e);
      }
      if (isClosing()) {
        break;
      }
      if (storage.failure().isPresent()) {
        // It would fetch the same transaction again and again, and never could apply it.
        LOG.error(
            CRITICAL,
            "{}: Input data error: could not apply what arrived, and replication stops until the"
                + " server is restarted: {}",
            peer,
            reason);
        board.stopped(SecondaryState.FAILED, reason);
        return;
      }
      long lasted = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      boolean worked = lasted > longest && board.status().connections() > connections;
      if (worked || !storage.lastTransaction().equals(before)) {
        // It did work, so this is not one more failure of a row.
        delay = first;
        round.restart();
        acceptPacked &= storage.lastTransaction().equals(before);
      }
      if (fits && board.status().connections() > connections) {
        // It was followed for a while; who was left out before may have been set up anew since.
        round.askAllAgain();
      }
      if (round.allDiverged()) {
        board.stopped(SecondaryState.DIVERGED, reason);
      } else {
        board.failed(reason);
      }
      if (round.isOver()) {
        delay = awaitNextRound(delay) ? first : Math.min(2 * delay, longest);
      }
    }
    board.change(SecondaryState.CLOSED, "told to stop");
  }

  private String whyNone() {
    return round.allDiverged()
        ? board.status().lastError().orElse("all have another history")
        : upstream.whyNone();
  }

  /** Whether there are other addresses now, so that what failed before means nothing. */
  private boolean awaitNextRound(long delay) {
    boolean changed = pause.await(delay / 2 + ThreadLocalRandom.current().nextLong(delay / 2 + 1));
    if (changed) {
      round.restart();
    }
    return changed;
  }

  private boolean isClosing() {
    return pause.isEnded();
  }

  /** Follows until the connection ends; returns why it did. */
  private String connectAndFollow(SocketAddress address) {
    peer = Listener.text(address);
    board.connecting(peer);
    try (Link link = connector.connect(address)) {
      LOG.info("{}: Connected", peer);
      lastConnected = address;
      board.connected();
      ringQuestion.connected(address);
      own.ifPresent(primary -> primary.ownConnections().opened(link.local()));
      try {
        board.works();
        String reason = follow(link);
        LOG.info("{}: Disconnected {}", peer, reason);
        return reason;
      } finally {
        board.waits();
        own.ifPresent(primary -> primary.ownConnections().closed(link.local()));
      }
    } catch (IOException e) {
      return "connecting failed: " + text(e);
    } catch (DivergedException e) {
      throw e;
    } catch (RuntimeException | OutOfMemoryError e) {
      // Such as when the system gives no thread; the next attempt may have one.
      LOG.error("{}: connecting failed", peer, e);
      return "connecting failed: " + e;
    } finally {
      connection.set(null);
    }
  }

  /** Also an attempt that has not succeeded yet must end when {@link #close} is called. */
  private void opened(Closeable socket) {
    connection.set(socket);
    if (isClosing()) {
      cut();
    }
  }

  private String follow(Link link) {
    int refusedBefore = refusals;
    refusals = 0;
    try {
      new ReceiverSession(
              link, storage, options.withAcceptPacked(acceptPacked), board, clock, this::askForRing)
          .run();
      return "closed";
    } catch (DivergedException e) {
      throw e;
    } catch (UpstreamRefusedException e) {
      return refused(link, refusedBefore + 1);
    } catch (ReplicationException e) {
      inputDataError(text(e));
      return text(e);
    } catch (StorageException e) {
      inputDataError("could not apply what arrived: " + text(e));
      return text(e);
    } catch (IOException e) {
      return text(e);
    } catch (RuntimeException | OutOfMemoryError e) {
      // Whatever it is: a receiver that ends without a word would look like an idle upstream.
      LOG.error(CRITICAL, "{}: Input data error", peer, e);
      return "unexpected error: " + e;
    }
  }

  private String refused(Link link, int times) {
    if (own.isPresent() && own.get().ownConnections().wasSeen(link.local())) {
      String reason = "this server replicates from itself: replicate-from leads to its own";
      LOG.error("{}: {}", peer, reason);
      return reason;
    }
    refusals = times;
    if (refusals == REFUSALS_TO_TELL) {
      LOG.error(
          "{}: {} times in a row {}", peer, REFUSALS_TO_TELL, UpstreamRefusedException.REASONS);
    }
    return UpstreamRefusedException.REASONS;
  }

  /** A ring can be closed only where there is a way on from here. */
  private void askForRing() {
    if (own.isPresent()) {
      Thread.ofVirtual().name("zrs ring " + peer).start(() -> askForRing(own.get()));
    }
  }

  private void askForRing(ReplicationPrimary primary) {
    ringQuestion.ask().ifPresent(lineage -> learned(primary, lineage));
  }

  private void learned(ReplicationPrimary primary, List<String> lineage) {
    primary.setUpstreamLineage(lineage);
    if (isClosing()) {
      forgetLineage();
      return;
    }
    if (lineage.contains(primary.id())) {
      String error =
          "the servers follow each other in a ring of %d: no transaction can ever come"
              .formatted(lineage.indexOf(primary.id()) + 1);
      LOG.error("{}: {}", peer, error);
      board.wrong(error);
    }
  }

  private void inputDataError(String text) {
    if (!isClosing() && storage.failure().isEmpty()) {
      LOG.error(CRITICAL, "{}: Input data error: {}", peer, text);
    }
  }

  private static String text(Exception e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  /** As {@link #stop}. */
  @Override
  public void close() {
    if (!stop()) {
      LOG.error("the receiver of {} did not stop in time", storage.name());
    }
  }

  /**
   * Stops following; waits, with a limit, until the transactions that arrived whole are applied.
   *
   * @return whether nothing is written to the storage any more; else it may still be
   */
  public boolean stop() {
    if (pause.end()) {
      LOG.info("Closing {} {}", storage.name(), peer);
      cut();
      upstream.close();
      forgetLineage();
    }
    try {
      return thread.getState() == Thread.State.NEW || thread.join(STOP_LIMIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Whoever was followed may follow this server from now on. */
  private void forgetLineage() {
    own.ifPresent(primary -> primary.setUpstreamLineage(List.of()));
  }

  private void cut() {
    Closeable open = connection.get();
    try {
      if (open != null) {
        open.close();
      }
    } catch (IOException e) {
      LOG.warn("closing the connection to the upstream failed: {}", e.toString());
    }
  }
}
