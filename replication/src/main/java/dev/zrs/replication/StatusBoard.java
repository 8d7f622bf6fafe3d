package dev.zrs.replication;

import dev.zrs.storage.Tid;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a secondary writes down how it is doing; each change of state is logged with its reason.
 * The receiver's thread writes, any thread reads.
 */
final class StatusBoard {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");

  private final InstantSource clock;
  private volatile SecondaryStatus status;

  StatusBoard(String upstream, Tid last, InstantSource clock) {
    this.clock = clock;
    this.status = SecondaryStatus.initial(upstream, last, clock.instant());
  }

  SecondaryStatus status() {
    return status;
  }

  void change(SecondaryState state, String reason) {
    SecondaryStatus old = status;
    if (old.state() == state) {
      return;
    }
    LOG.info("{}: {} -> {} ({})", old.upstream(), old.state(), state, reason);
    status = old.withState(state, clock.instant());
  }

  void connected() {
    status = status.withOneMoreConnection();
    change(SecondaryState.CATCHING_UP, "connected");
  }

  void failed(String error) {
    status = status.withError(error);
    change(SecondaryState.WAITING, error);
  }

  void received(Tid tid, long bytes) {
    status = status.withReceived(tid, bytes);
  }

  void applied(Tid tid) {
    status = status.withApplied(tid);
  }
}
