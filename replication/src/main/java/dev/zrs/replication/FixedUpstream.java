package dev.zrs.replication;

import java.net.SocketAddress;
import java.util.List;

/** A server that does not move. */
record FixedUpstream(SocketAddress address) implements Upstream {
  @Override
  public String text() {
    return Listener.text(address);
  }

  @Override
  public List<SocketAddress> addresses() {
    return List.of(address);
  }

  @Override
  public String whyNone() {
    throw new IllegalStateException("there is one");
  }

  @Override
  public void watch(Runnable changed) {
    // It never changes.
  }

  @Override
  public void close() {
    // Nothing was begun.
  }
}
