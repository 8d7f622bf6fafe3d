package dev.zrs.replication;

import dev.zrs.storage.Tid;

/**
 * The upstream's history is not a continuation of the one here. To apply what it sends would mix
 * two databases.
 */
public final class DivergedException extends ReplicationException {
  private static final long serialVersionUID = 1L;

  private final String difference;
  private final transient Tid ours;
  private final transient Tid theirs;

  /**
   * @param ours the last transaction here
   * @param theirs the first one of the upstream that does not fit
   */
  DivergedException(Tid ours, Tid theirs, String difference) {
    super(
        ("the histories have diverged: %s (our last transaction is %s, %s UTC; theirs that does not"
                + " fit is %s, %s UTC). Replication stops, reading goes on. If the upstream is"
                + " right, set up this secondary anew from a copy of it, and keep this Data.fs: it"
                + " may hold transactions that nobody else has. Only if you know that it has not, and"
                + " that a pack of the upstream removed our last transaction: zrs follow"
                + " --accept-packed HOST:PORT")
            .formatted(difference, ours, ours.toUtcText(), theirs, theirs.toUtcText()));
    this.difference = difference;
    this.ours = ours;
    this.theirs = theirs;
  }

  /** In what they differ. */
  String difference() {
    return difference;
  }

  /** The last transaction here. */
  public Tid ours() {
    return ours;
  }

  /** The first one of the upstream that does not fit. */
  public Tid theirs() {
    return theirs;
  }
}
