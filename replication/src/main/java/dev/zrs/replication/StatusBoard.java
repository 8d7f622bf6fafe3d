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

  /** It ends for good, without having been told to. */
  void stopped(String error) {
    status = status.withError(error);
    change(SecondaryState.FAILED, error);
  }

  void failed(String error) {
    status = status.withError(error);
    change(SecondaryState.WAITING, error);
  }

  /** So many bytes more have come in. */
  void arrived(long bytes) {
    status = status.withMoreBytes(bytes);
  }

  void received(Tid tid) {
    status = status.withReceived(tid);
  }

  void applied(Tid tid) {
    status = status.withApplied(tid);
  }
}
