package dev.zrs.replication;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Finds the addresses of a host. The system's lookup has no limit and can't be ended, and a name
 * server that doesn't answer would hold up the receiver, and so the stop of the server; so it runs
 * on a thread of its own, which is left alone when nobody waits for it any more. Any thread may
 * close it, which ends the wait.
 */
final class HostLookup implements Closeable {
  /** How a name becomes addresses. */
  @FunctionalInterface
  interface Resolver {
    InetAddress[] addressesOf(String host) throws UnknownHostException;
  }

  private final String host;
  private final Resolver resolver;
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile @Nullable List<InetAddress> found;

  HostLookup(String host, Resolver resolver) {
    this.host = host;
    this.resolver = resolver;
  }

  /**
   * The addresses, in the order in which to try them; never empty.
   *
   * @throws UnknownHostException if there are none
   * @throws SocketTimeoutException if it takes too long
   * @throws IOException if it was closed
   */
  List<InetAddress> find(Duration limit) throws IOException {
    // Not a virtual thread: the lookup would hold its carrier.
    Thread.ofPlatform().name("zrs lookup " + host).daemon().start(this::run);
    boolean answered;
    try {
      answered = over.await(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while looking up " + host, e);
    }
    List<InetAddress> addresses = found;
    if (addresses == null) {
      throw answered
          ? new IOException("the lookup of %s was ended".formatted(host))
          : new SocketTimeoutException(
              "the lookup of host %s timed out after %d ms".formatted(host, limit.toMillis()));
    }
    if (addresses.isEmpty()) {
      throw new UnknownHostException("unknown host " + host);
    }
    return addresses;
  }

  private void run() {
    try {
      found = List.of(resolver.addressesOf(host));
    } catch (UnknownHostException e) {
      found = List.of();
    } finally {
      over.countDown();
    }
  }

  @Override
  public void close() {
    over.countDown();
  }
}
