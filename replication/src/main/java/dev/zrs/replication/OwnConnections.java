package dev.zrs.replication;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The connections that a storage's secondary has opened, by which its primary knows when the two
 * have found each other. Any thread may call.
 */
final class OwnConnections {
  private final Set<String> open = ConcurrentHashMap.newKeySet();
  private final Set<String> seen = ConcurrentHashMap.newKeySet();

  /**
   * A connection was opened.
   *
   * @param local this side of it; empty if it has no name
   */
  void opened(String local) {
    if (!local.isEmpty()) {
      open.add(local);
    }
  }

  void closed(String local) {
    open.remove(local);
    seen.remove(local);
  }

  /** Whether who has connected is this server itself. */
  boolean isOwn(String peer) {
    boolean own = open.contains(peer);
    if (own) {
      seen.add(peer);
    }
    return own;
  }

  /** Whether the connection led to this server itself. */
  boolean wasSeen(String local) {
    return seen.contains(local);
  }
}
