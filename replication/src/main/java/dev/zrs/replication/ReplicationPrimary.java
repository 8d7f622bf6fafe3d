package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the transactions of a storage to every secondary that connects, each from where it stands
 * and at its own speed. The storage takes no notice of them: a slow or dead secondary costs its own
 * thread. Any thread may call.
 */
public final class ReplicationPrimary implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.primary");
  private static final Duration END_LIMIT = Duration.ofSeconds(5);

  /** How long who has not greeted may take to make room for the next one. */
  private static final Duration ROOM_LIMIT = Duration.ofSeconds(1);

  private final FileStorage storage;
  private final PrimaryOptions options;
  private final InstantSource clock;
  private final Listener listener;
  private final SenderSession.Shared shared = new Common();
  private final Set<SenderSession> sessions = ConcurrentHashMap.newKeySet();
  private final Thread acceptor;
  private final MissingBlobs missingBlobs = new MissingBlobs();
  private final OwnConnections ownConnections = new OwnConnections();
  private final StrangerLog strangerLog = new StrangerLog(LOG);
  private final String id = UUID.randomUUID().toString();
  private volatile List<String> upstreamLineage = List.of();
  private volatile boolean closing;

  /** As the other one, with the system's clock. */
  public ReplicationPrimary(SocketAddress address, FileStorage storage, PrimaryOptions options) {
    this(address, storage, options, InstantSource.system());
  }

  /**
   * Listens, but does not accept yet.
   *
   * @param storage stays the caller's; it must be closed after this
   * @param clock for the times in the status
   * @throws ReplicationException if the address can't be listened at
   */
  public ReplicationPrimary(
      SocketAddress address, FileStorage storage, PrimaryOptions options, InstantSource clock) {
    this.storage = storage;
    this.clock = clock;
    this.options = options;
    this.listener = Listener.open(address);
    this.acceptor =
        Thread.ofPlatform()
            .name("zrs accept " + Listener.text(listener.address()))
            .daemon()
            .unstarted(this::accept);
  }

  /** Begins to accept secondaries. */
  public void start() {
    LOG.info("Opening {} {}", storage.name(), Listener.text(address()));
    acceptor.start();
  }

  /** Where it listens, with the port that was chosen. */
  public SocketAddress address() {
    return listener.address();
  }

  /** How many secondaries are connected. */
  public int connections() {
    return sessions.size();
  }

  /** How far it is with each secondary. */
  public List<SenderStatus> secondaries() {
    Instant now = clock.instant();
    return sessions.stream().map(session -> session.status(now)).toList();
  }

  /** The blob files that secondaries needed and that were not there. */
  public MissingBlobs missingBlobs() {
    return missingBlobs;
  }

  OwnConnections ownConnections() {
    return ownConnections;
  }

  /** What tells this server from all others, for as long as it runs. */
  String id() {
    return id;
  }

  /** Whom it follows, from the upstream on up. */
  void setUpstreamLineage(List<String> ids) {
    upstreamLineage = List.copyOf(ids);
  }

  private void accept() {
    while (!closing) {
      try {
        accepted(listener.accept());
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        // The last is also what the JVM throws when the system gives it no further thread.
        if (!closing) {
          LOG.error("accepting a secondary failed: {}", e.toString());
          if (!pause()) {
            return;
          }
        }
      }
    }
  }

  /** Accepting fails again at once while, say, there are no file descriptors. */
  private static boolean pause() {
    try {
      Thread.sleep(Duration.ofMillis(100));
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /** After it nobody is added to the sessions any more. */
  private void awaitAcceptor() {
    try {
      if (acceptor.getState() != Thread.State.NEW && !acceptor.join(END_LIMIT)) {
        LOG.error("{} did not stop in time", acceptor.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void accepted(Link link) throws IOException {
    if (sessions.size() >= options.maxConnections() && !makeRoom()) {
      if (strangerLog.mayWrite()) {
        LOG.error("{}: refused, {} secondaries are connected", link.peer(), sessions.size());
      }
      link.close();
      return;
    }
    SenderSession session = new SenderSession(link, storage, options, shared, clock.instant());
    sessions.add(session);
    boolean started = false;
    try {
      Thread.ofPlatform().name("zrs sender " + link.peer()).daemon().start(() -> serve(session));
      started = true;
    } finally {
      if (!started) {
        sessions.remove(session);
        session.cut("there is no thread for it");
      }
    }
  }

  /**
   * Sends the oldest away of those who have not said what they want: a secondary says it at once,
   * so that nobody can keep the others out by only being there.
   */
  private boolean makeRoom() {
    Optional<SenderSession> oldest =
        sessions.stream()
            .filter(session -> !session.hasGreeted())
            .min(Comparator.comparing(SenderSession::since));
    oldest.ifPresent(session -> session.cut("it had to make room: it has not said what it wants"));
    // To wait for it bounds the threads of a flood.
    boolean ended = oldest.isPresent() && oldest.get().awaitEnd(ROOM_LIMIT);
    if (ended) {
      sessions.remove(oldest.get());
    }
    return ended;
  }

  private void serve(SenderSession session) {
    try {
      session.run();
    } finally {
      sessions.remove(session);
    }
  }

  /**
   * Stops: nobody new is accepted; connected secondaries get what is committed by now, within the
   * limit; then their connections end, each at the boundary of a transaction unless the limit has
   * passed.
   */
  @Override
  public void close() {
    if (closing) {
      return;
    }
    closing = true;
    LOG.info("Closing {} {}", storage.name(), Listener.text(address()));
    try {
      listener.close();
    } catch (IOException e) {
      LOG.warn("closing the replication address failed: {}", e.toString());
    }
    awaitAcceptor();
    sessions.forEach(SenderSession::drain);
    awaitEnds(
        options.drainLimit(),
        "{}: has not got everything within {} ms, and will have to ask for it again");
    sessions.forEach(session -> session.cut("told to stop"));
    awaitEnds(END_LIMIT, "{}: its sender did not stop within {} ms");
  }

  /** Waits for all sessions together, and warns of each that is left. */
  private void awaitEnds(Duration limit, String warning) {
    long deadline = System.nanoTime() + limit.toNanos();
    for (SenderSession session : sessions) {
      if (!session.awaitEnd(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())))) {
        LOG.warn(warning, session.peer(), limit.toMillis());
      }
    }
  }

  private final class Common implements SenderSession.Shared {
    @Override
    public MissingBlobs missingBlobs() {
      return missingBlobs;
    }

    @Override
    public OwnConnections ownConnections() {
      return ownConnections;
    }

    @Override
    public List<String> lineage() {
      return Stream.concat(Stream.of(id), upstreamLineage.stream())
          .limit(RingQuestion.MAX_SERVERS)
          .toList();
    }

    @Override
    public StrangerLog strangerLog() {
      return strangerLog;
    }
  }
}
