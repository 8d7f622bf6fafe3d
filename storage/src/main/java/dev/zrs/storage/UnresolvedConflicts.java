package dev.zrs.storage;

import java.util.List;

/**
 * A vote that found changes of objects that are not any more what they were based on. Nothing is
 * written, the transaction's buffer is as it was, and the commit lock stays with the claim. So no
 * further conflict can come up until the transaction is mended by {@link TransactionBuffer#resolve}
 * and voted again with the same claim, or the claim is let go.
 *
 * @param conflicts one for each object, in the order of the changes; what they lost against is
 *     visible
 */
public record UnresolvedConflicts(List<ConflictException> conflicts) implements Vote {
  /** Copies the list. */
  public UnresolvedConflicts {
    conflicts = List.copyOf(conflicts);
  }

  /** The latest transaction that one of the changes lost against. */
  public Tid lastCommitted() {
    return conflicts.stream()
        .map(ConflictException::committed)
        .max(Tid::compareTo)
        .orElse(Tid.NONE);
  }
}
