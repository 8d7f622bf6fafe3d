package dev.zrs.replication;

import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which of the addresses of an upstream to try next: all of them in turn, each round in another
 * order, so that many secondaries spread over the servers. Those that have another history are left
 * out for as long as they are known. For one thread.
 */
final class AddressRound {
  private final Upstream upstream;
  private final Deque<SocketAddress> left = new ArrayDeque<>();
  private final Set<SocketAddress> diverged = new HashSet<>();

  AddressRound(Upstream upstream) {
    this.upstream = upstream;
  }

  /** The next one; empty if the upstream has none now, or none that is of use. */
  Optional<SocketAddress> next() {
    if (left.isEmpty()) {
      List<SocketAddress> order = new ArrayList<>(upstream.addresses());
      diverged.retainAll(order);
      order.removeAll(diverged);
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

  /** This one has another history. */
  void leaveOut(SocketAddress address) {
    diverged.add(address);
  }

  /** They may have been set up anew meanwhile, at the same addresses. */
  void askAllAgain() {
    diverged.clear();
  }

  /** Whether there are addresses, and all of them have another history. */
  boolean allDiverged() {
    List<SocketAddress> all = upstream.addresses();
    return !all.isEmpty() && diverged.containsAll(all);
  }
}
