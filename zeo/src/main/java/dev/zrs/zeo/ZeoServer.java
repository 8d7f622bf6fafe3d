package dev.zrs.zeo;

import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves storages to ZEO 5 and 6 clients (protocols Z5 and M5; specification: ZEO/StorageServer.py
 * and ZEO/asyncio/server.py of ZEO 6.2). Any thread may call.
 *
 * <p>The storages belong to the caller, who closes them after the server.
 */
public final class ZeoServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");

  /** How long {@link #close} waits for the threads of connections. */
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);

  /** Pause after a failed accept, most likely for want of file descriptors. */
  private static final Duration ACCEPT_PAUSE = Duration.ofMillis(100);

  /**
   * A third of the heap is for messages on their way: beside a large one its data need room, too.
   */
  private static final int BUFFERS_OF_HEAP = 3;

  private final SocketAddress wanted;
  private final ServerContext context;
  private final ScheduledThreadPoolExecutor timers;

  /** Guards all fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition connectionEnded = lock.newCondition();
  private final Set<ZeoConnection> connections = new LinkedHashSet<>();
  private @Nullable ByteListener listener;
  private @Nullable Thread acceptor;
  private boolean closed;

  /**
   * A server that does not listen yet.
   *
   * @param address where to listen: an InetSocketAddress (port 0: any free one), or a
   *     UnixDomainSocketAddress
   * @param storages the storages by the names that clients use
   * @param options how to behave
   */
  public ZeoServer(
      SocketAddress address, Map<String, ServedStorage> storages, ZeoServerOptions options) {
    wanted = address;
    Map<String, StorageService> services = new LinkedHashMap<>();
    storages.forEach(
        (name, served) -> services.put(name, new StorageService(name, served, options)));
    timers =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("zeo timer").factory());
    timers.setRemoveOnCancelPolicy(true);
    context =
        new ServerContext(
            services,
            options,
            timers,
            new BufferMemory(Runtime.getRuntime().maxMemory() / BUFFERS_OF_HEAP),
            new RefusalLog(
                options.clock(),
                count ->
                    LOG.warn(
                        "{} lines about connections that did not get beyond their greeting were"
                            + " left out",
                        count)));
  }

  /**
   * Begins to listen.
   *
   * @throws ZeoException if the address can't be had; the message names it
   */
  public void start() {
    ByteListener opened;
    lock.lock();
    try {
      if (closed || listener != null) {
        throw new IllegalStateException("started or closed before");
      }
      opened = ByteListener.open(wanted);
      listener = opened;
    } finally {
      lock.unlock();
    }
    for (StorageService service : context.services().values()) {
      service.broadcaster().start(context.options().invalidationQueueSize());
    }
    ClientLog.LOG.info(
        "StorageServer created {} with storages: {}",
        mode(context.options().readOnly()),
        context.services().values().stream()
            .map(
                each ->
                    "%s:%s:%s"
                        .formatted(each.name(), mode(each.isReadOnly()), each.storage().name()))
            .collect(Collectors.joining(", ")));
    Thread thread =
        Thread.ofPlatform()
            .name("zeo " + Addresses.text(opened.address()) + " accept")
            .daemon()
            .start(() -> acceptAll(opened));
    lock.lock();
    try {
      acceptor = thread;
    } finally {
      lock.unlock();
    }
    LOG.info("listening on {}", Addresses.pythonText(opened.address()));
  }

  private static String mode(boolean readOnly) {
    return readOnly ? "RO" : "RW";
  }

  /**
   * Where it listens, with the port that was chosen.
   *
   * @throws IllegalStateException before {@link #start}
   */
  public SocketAddress address() {
    lock.lock();
    try {
      if (listener == null) {
        throw new IllegalStateException("not started");
      }
      return listener.address();
    } finally {
      lock.unlock();
    }
  }

  /** How many connections there are. */
  public int connections() {
    lock.lock();
    try {
      return connections.size();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends the connections of a storage's clients, so that they come back and verify their caches, or
   * find another server. Transactions that are not finished are aborted.
   *
   * @return whether all of them had ended within the limit, so that none touches the storage any
   *     more
   */
  public boolean closeClients(String storage, String reason) {
    return close(all().stream().filter(each -> each.uses(storage)).toList(), reason);
  }

  /** As {@link #closeClients}, but only of those that may not write. */
  public boolean closeReaders(String storage, String reason) {
    return close(all().stream().filter(each -> each.reads(storage)).toList(), reason);
  }

  private boolean close(List<ZeoConnection> chosen, String reason) {
    LOG.info("closing {} connections: {}", chosen.size(), reason);
    chosen.forEach(ZeoConnection::close);
    long nanos = CLOSE_LIMIT.toNanos();
    lock.lock();
    try {
      while (nanos > 0 && chosen.stream().anyMatch(connections::contains)) {
        nanos = connectionEnded.awaitNanos(nanos);
      }
      return chosen.stream().noneMatch(connections::contains);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  private List<ZeoConnection> all() {
    lock.lock();
    try {
      return List.copyOf(connections);
    } finally {
      lock.unlock();
    }
  }

  private void acceptAll(ByteListener from) {
    while (!isClosed()) {
      try {
        accept(from.accept());
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        // Whatever it is: a server that accepts no more is no server.
        if (isClosed()) {
          return;
        }
        LOG.error("accepting a connection failed: {}", e.toString());
        pause();
      }
    }
  }

  private void pause() {
    lock.lock();
    try {
      long nanos = ACCEPT_PAUSE.toNanos();
      while (!closed && nanos > 0) {
        nanos = connectionEnded.awaitNanos(nanos);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  private void accept(ByteConnection plain) {
    ByteConnection accepted = context.options().tls().map(tls -> tls.server(plain)).orElse(plain);
    ZeoLimits limits = context.options().limits();
    boolean platform;
    ZeoConnection connection;
    lock.lock();
    try {
      if (closed || connections.size() >= limits.maxConnections()) {
        if (!closed) {
          LOG.warn(
              "refusing {}: there are {} connections already", accepted.peer(), connections.size());
        }
        accepted.close();
        return;
      }
      platform = connections.size() < limits.platformThreadConnections();
      ZeoConnection[] self = new ZeoConnection[1];
      connection =
          new ZeoConnection(
              context,
              accepted,
              (part, body) -> thread(platform, "zeo " + accepted.peer() + " " + part).start(body),
              () -> ended(Objects.requireNonNull(self[0])));
      self[0] = connection;
      connections.add(connection);
    } finally {
      lock.unlock();
    }
    try {
      thread(platform, "zeo " + accepted.peer() + " reader").start(connection);
    } catch (OutOfMemoryError e) {
      LOG.error("no thread for {}: {}", accepted.peer(), e.toString());
      connection.abandon();
      ended(connection);
    }
  }

  private static Thread.Builder thread(boolean platform, String name) {
    return platform ? Thread.ofPlatform().daemon().name(name) : Thread.ofVirtual().name(name);
  }

  private void ended(ZeoConnection connection) {
    lock.lock();
    try {
      connections.remove(connection);
      connectionEnded.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Stops to listen, ends all connections and waits, with a limit, until none touches its storage
   * any more. Transactions that are not finished are aborted. Again is harmless.
   */
  @Override
  public void close() {
    ByteListener open;
    Thread accepting;
    lock.lock();
    try {
      open = listener;
      accepting = acceptor;
      closed = true;
      connectionEnded.signalAll();
    } finally {
      lock.unlock();
    }
    if (open != null) {
      open.close();
    }
    if (accepting != null) {
      awaitRefusal(accepting);
    }
    all().forEach(ZeoConnection::closeAtStop);
    awaitEnd();
    context.services().values().forEach(each -> each.broadcaster().stop());
    timers.shutdownNow();
  }

  /**
   * Until its thread has left accept, the system goes on taking connections. A client of ZEO whose
   * new connection ends before it is registered does not try that address again while it tries
   * others; so those that are disconnected below must be refused when they come back.
   */
  private static void awaitRefusal(Thread accepting) {
    try {
      if (!accepting.join(CLOSE_LIMIT)) {
        LOG.error("the thread '{}' did not end in time", accepting.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void awaitEnd() {
    long nanos = CLOSE_LIMIT.toNanos();
    lock.lock();
    try {
      while (!connections.isEmpty() && nanos > 0) {
        nanos = connectionEnded.awaitNanos(nanos);
      }
      if (!connections.isEmpty()) {
        LOG.error(
            "{} connections did not end in time: {}",
            connections.size(),
            connections.stream().map(ZeoConnection::peer).collect(Collectors.joining(", ")));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }
}
