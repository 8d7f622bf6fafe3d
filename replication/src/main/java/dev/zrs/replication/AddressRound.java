package dev.zrs.replication;

import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Which of the addresses of an upstream to try next: all of them in turn, each round in another
 * order, so that many secondaries spread over the servers. For one thread.
 */
final class AddressRound {
  private final Upstream upstream;
  private final Deque<SocketAddress> left = new ArrayDeque<>();

  AddressRound(Upstream upstream) {
    this.upstream = upstream;
  }

  /** The next one; empty if the upstream has none now. */
  Optional<SocketAddress> next() {
    if (left.isEmpty()) {
      List<SocketAddress> order = new ArrayList<>(upstream.addresses());
      Collections.shuffle(order);
      left.addAll(order);
    }
    return Optional.ofNullable(left.poll());
  }

  /** Whether all have been tried that were known when the round began. */
  boolean isOver() {
    return left.isEmpty();
  }

  /** Begins anew with what is known now. */
  void restart() {
    left.clear();
  }
}
