package dev.zrs.replication;

import dev.zrs.storage.Ancestry;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionReader;
import dev.zrs.storage.TransactionRecord;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out, at the begin of a connection, whether the upstream has the same history. The protocol
 * has no question for that. But a stream begins behind the tid that was asked for, which need not
 * exist: who asks with the tid just before their own last transaction gets that one first, and can
 * compare it. Every primary answers so. For one thread.
 *
 * <p>The transaction to compare is the last one that has records, as Python leaves out those
 * without; behind it there can be only such transactions, and what this side's pack removed.
 */
final class HistoryCheck {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");

  private final FileStorage storage;
  private final String peer;
  private final boolean acceptPacked;
  private final Tid last;
  private final Tid compared;
  private boolean done;

  /**
   * @param acceptPacked whether to go on where the upstream does not have the transaction any more
   */
  HistoryCheck(FileStorage storage, String peer, boolean acceptPacked) {
    this.storage = storage;
    this.peer = peer;
    this.acceptPacked = acceptPacked;
    this.last = storage.lastTransaction();
    this.compared = storage.lastTransactionWithRecords();
    this.done = compared.equals(Tid.NONE);
  }

  /** What to ask the upstream for: everything later than this. */
  Tid start() {
    return compared.previous();
  }

  /** Whether the histories agree, so that what comes can be applied. */
  boolean isDone() {
    return done;
  }

  /**
   * Compares a transaction that is not later than the last one here.
   *
   * @throws DivergedException if it is not the one that is here
   */
  void known(TransactionPrint theirs) {
    Optional<TransactionPrint> mine = own(theirs.tid());
    if (mine.isEmpty()) {
      if (storage.ancestry(theirs.tid()) != Ancestry.PACKED_AWAY) {
        throw new DivergedException(
            last,
            theirs.tid(),
            "the upstream has transaction %s, which is not here".formatted(theirs.tid()));
      }
      return;
    }
    Optional<String> difference = theirs.differenceFrom(mine.get());
    if (difference.isPresent()) {
      throw new DivergedException(
          last,
          theirs.tid(),
          "transaction %s of the upstream is another one than ours: %s"
              .formatted(theirs.tid(), difference.get()));
    }
    done |= theirs.tid().equals(compared);
  }

  private Optional<TransactionPrint> own(Tid tid) {
    try (TransactionReader reader = storage.transactions(tid, tid)) {
      TransactionRecord mine = reader.next();
      return mine == null ? Optional.empty() : Optional.of(TransactionPrint.of(mine));
    }
  }

  /**
   * A transaction has come that is later than all that are here.
   *
   * @throws DivergedException if the last one here has not come before
   */
  void later(Tid theirs) {
    if (done) {
      return;
    }
    if (!acceptPacked) {
      throw new DivergedException(
          last,
          theirs,
          "the upstream does not have our transaction %s: its next one is %s"
              .formatted(compared, theirs));
    }
    LOG.warn(
        "{}: the upstream does not have transaction {}, and goes on with {}: accepted as packed"
            + " away",
        peer,
        compared,
        theirs);
    done = true;
  }
}
