package dev.zrs.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A network between a server and its clients, over TCP on loopback, that does what real ones do:
 * delays, limits, stalls, cuts, half-closes, refuses, and changes bytes. Clients connect to {@link
 * #address}. At first it does no harm. Any thread may call.
 */
public final class NetworkProxy implements AutoCloseable {
  private static final int BACKLOG = 512;

  private final ServerSocket listener;
  private final SocketAddress server;
  private final Consumer<ProxiedConnection> opened;
  private final Map<Way, WayCondition> conditions = new EnumMap<>(Way.class);
  private final Set<ProxiedConnection> connections = ConcurrentHashMap.newKeySet();
  private final AtomicInteger count = new AtomicInteger();
  private volatile long refusedUntil = System.nanoTime();

  /** Before a server, to which each connection leads on. */
  public NetworkProxy(SocketAddress server) {
    this(server, connection -> {});
  }

  /**
   * As the other one.
   *
   * @param opened given each connection before anything passes
   */
  public NetworkProxy(SocketAddress server, Consumer<ProxiedConnection> opened) {
    this.server = server;
    this.opened = opened;
    Random random = new Random(1);
    for (Way way : Way.values()) {
      conditions.put(way, new WayCondition(random));
    }
    try {
      listener = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException("the proxy can't listen", e);
    }
    Thread.ofVirtual().name("proxy accept").start(this::accept);
  }

  /** Where clients connect to. */
  public InetSocketAddress address() {
    return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
  }

  /** How many connections there were, without those that were refused. */
  public int connections() {
    return count.get();
  }

  private WayCondition condition(Way way) {
    WayCondition condition = conditions.get(way);
    if (condition == null) {
      throw new IllegalStateException("every way has its condition");
    }
    return condition;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        lead(listener.accept());
      } catch (IOException e) {
        if (!listener.isClosed()) {
          throw new UncheckedIOException("the proxy can't accept", e);
        }
      }
    }
  }

  /** A server that can't be reached looks as if the network refused. */
  private void lead(Socket client) throws IOException {
    if (refusedUntil - System.nanoTime() > 0) {
      reset(client);
      return;
    }
    Socket on = new Socket();
    try {
      on.connect(server);
      on.setTcpNoDelay(true);
      client.setTcpNoDelay(true);
    } catch (IOException e) {
      on.close();
      reset(client);
      return;
    }
    ProxiedConnection connection =
        new ProxiedConnection(
            client, on, condition(Way.TO_SERVER), condition(Way.TO_CLIENT), connections::remove);
    connections.add(connection);
    count.incrementAndGet();
    opened.accept(connection);
    connection.start();
    if (listener.isClosed()) {
      connection.reset();
    }
  }

  private static void reset(Socket client) throws IOException {
    client.setSoLinger(true, 0);
    client.close();
  }

  /** How fast it is in one way from now on. */
  public void set(Way way, Traffic traffic) {
    condition(way).set(traffic);
  }

  /** Holds everything in one way for a time, then goes on. */
  public void stall(Way way, Duration time) {
    condition(way).stall(time);
  }

  /** Resets whoever connects, for a time. */
  public void refuse(Duration time) {
    refusedUntil = System.nanoTime() + time.toNanos();
  }

  /** Does something to each connection that is open. */
  public void each(Consumer<ProxiedConnection> harm) {
    connections.forEach(harm);
  }

  /** Does no harm from now on; what was held or delayed goes on at once. */
  public void heal() {
    refusedUntil = System.nanoTime();
    conditions.values().forEach(WayCondition::heal);
    connections.forEach(ProxiedConnection::heal);
  }

  /** Resets all connections, and accepts no more. */
  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException("the proxy can't be closed", e);
    } finally {
      each(ProxiedConnection::reset);
    }
  }
}
