package dev.zrs.zeo;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that this side opens, over TCP or a unix socket. What it does is a row of steps,
 * each of which must be over in time, whatever the peer does: also a peer that sends a byte now and
 * then. Channels with a selector rather than sockets, because unix sockets have no read time-out.
 * For one thread.
 */
final class ClientConnection implements ByteConnection {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.client");

  /** NIO copies through a direct buffer of this size, which each thread keeps. */
  private static final int MAX_TRANSFER = 64 << 10;

  private static final double NANOS = 1e9;

  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private final String peer;
  private Duration limit = Duration.ZERO;
  private long begun = System.nanoTime();

  private ClientConnection(SocketChannel channel, String peer) throws IOException {
    this.channel = channel;
    this.peer = peer;
    selector = Selector.open();
    try {
      channel.configureBlocking(false);
      key = channel.register(selector, 0);
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  /**
   * Connects. A host name is looked up now, and all of its addresses are tried.
   *
   * @param limit how long all of it may take
   * @throws IOException if it can't; of several addresses' failures the first one
   */
  static ClientConnection open(SocketAddress address, Duration limit) throws IOException {
    if (!(address instanceof InetSocketAddress inet) || !inet.isUnresolved()) {
      return connect(address, limit);
    }
    long begun = System.nanoTime();
    InetAddress[] hosts = lookUp(inet.getHostString(), limit);
    IOException failure = null;
    for (int i = 0; i < hosts.length; i++) {
      // An address where nobody answers must leave time for the next one.
      Duration left = limit.minusNanos(System.nanoTime() - begun).dividedBy(hosts.length - i);
      try {
        return connect(new InetSocketAddress(hosts[i], inet.getPort()), left);
      } catch (IOException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    throw failure == null ? new UnknownHostException("the host has no address") : failure;
  }

  /**
   * The system's lookup has no limit and can't be ended; so its thread is left alone if need be.
   */
  private static InetAddress[] lookUp(String host, Duration limit) throws IOException {
    FutureTask<InetAddress[]> lookup = new FutureTask<>(() -> InetAddress.getAllByName(host));
    Thread.ofPlatform().name("zeo lookup " + host).daemon().start(lookup);
    try {
      return lookup.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      UnknownHostException unknown = new UnknownHostException("the host name is unknown");
      unknown.initCause(e);
      throw unknown;
    } catch (TimeoutException e) {
      throw timedOut("the host name was not found", limit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while looking up " + host);
    }
  }

  private static ClientConnection connect(SocketAddress address, Duration limit)
      throws IOException {
    SocketChannel channel =
        address instanceof UnixDomainSocketAddress
            ? SocketChannel.open(StandardProtocolFamily.UNIX)
            : SocketChannel.open();
    ClientConnection connection = new ClientConnection(channel, Addresses.text(address));
    boolean connected = false;
    try {
      connection.begin(limit);
      connected = channel.connect(address);
      while (!connected) {
        connection.await(SelectionKey.OP_CONNECT, "no connection");
        connected = channel.finishConnect();
      }
      if (address instanceof InetSocketAddress) {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      }
      return connection;
    } finally {
      if (!connected) {
        connection.close();
      }
    }
  }

  /** Begins a step, which may take so long. */
  void begin(Duration limit) {
    this.limit = limit;
    begun = System.nanoTime();
  }

  private static SocketTimeoutException timedOut(String what, Duration limit) {
    return new SocketTimeoutException("%s within %s s".formatted(what, limit.toNanos() / NANOS));
  }

  /** Time that is left to the step; checked also where nobody waits, for peers that never end. */
  private long millisLeft(String what) throws SocketTimeoutException {
    long nanos = limit.toNanos() - (System.nanoTime() - begun);
    if (nanos <= 0) {
      throw timedOut(what, limit);
    }
    return TimeUnit.NANOSECONDS.toMillis(nanos) + 1;
  }

  private void await(int operation, String what) throws IOException {
    key.interestOps(operation);
    selector.select(millisLeft(what));
    selector.selectedKeys().clear();
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted while waiting for " + peer);
    }
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    String what = "no answer";
    while (true) {
      millisLeft(what);
      int count = channel.read(ByteBuffer.wrap(buffer, offset, Math.min(length, MAX_TRANSFER)));
      if (count != 0) {
        return count;
      }
      await(SelectionKey.OP_READ, what);
    }
  }

  @Override
  public void write(byte[] buffer, int offset, int length) throws IOException {
    String what = "the server did not read what was sent";
    int end = offset + length;
    for (int at = offset; at < end; ) {
      millisLeft(what);
      int count = channel.write(ByteBuffer.wrap(buffer, at, Math.min(end - at, MAX_TRANSFER)));
      if (count == 0) {
        await(SelectionKey.OP_WRITE, what);
      }
      at += count;
    }
  }

  @Override
  public String peer() {
    return peer;
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() {
    try (selector) {
      channel.close();
    } catch (IOException e) {
      // The connection is gone either way, and the caller can do nothing about it.
      LOG.debug("closing a connection: {}", e.toString());
    }
  }
}
