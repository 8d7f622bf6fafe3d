package dev.zrs.replication;

import java.net.SocketAddress;
import java.util.List;

/**
 * Whom a secondary follows: a server at an address, or one of those that are found somewhere. Any
 * thread may call.
 */
public interface Upstream extends AutoCloseable {
  /** How operators know it. */
  String text();

  /** Where it may be reached now; none if that is not known. */
  List<SocketAddress> addresses();

  /** Why there are no addresses. */
  String whyNone();

  /**
   * Begins to watch for other addresses.
   *
   * @param changed called, on any thread, after they have changed; it returns soon
   */
  void watch(Runnable changed);

  /** Ends watching. */
  @Override
  void close();

  /** A server that is always at the same address; a host name is looked up for each connection. */
  static Upstream at(SocketAddress address) {
    return new FixedUpstream(address);
  }
}
