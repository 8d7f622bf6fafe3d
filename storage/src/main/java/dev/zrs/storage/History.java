package dev.zrs.storage;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** Answers questions about a file's transactions as a sequence. For one thread. */
final class History {
  /** How many transactions without records to pass over at the end of the file. */
  private static final int MAX_EMPTY = 1_000;

  private final DataFile file;
  private final long end;
  private final Tid packed;

  /**
   * @param packed the last transaction that a pack looked at; {@link Tid#NONE} if none is known
   */
  History(FileGeneration generation, Tid packed) {
    this.file = generation.file();
    this.end = generation.visibleEnd();
    this.packed = packed;
  }

  /** See {@link Ancestry}; a {@link StorageException} if it is not wanted any more. */
  Ancestry of(Tid tid, BooleanSupplier wanted) {
    if (tid.equals(Tid.NONE)) {
      return Ancestry.KNOWN;
    }
    TransactionSearch search = new TransactionSearch(file, end, wanted);
    long position = search.positionAfter(tid);
    boolean hasPrevious = position > DataFile.START;
    if (hasPrevious && search.before(position).tid().equals(tid)) {
      return Ancestry.KNOWN;
    }
    boolean isLast = position >= end;
    TransactionHeader next = isLast ? null : file.transactionHeader(position);
    if (next != null && next.tid().equals(tid.next())) {
      return Ancestry.KNOWN;
    }
    if ((next != null && isPacked(next)) || tid.compareTo(packed) <= 0) {
      return Ancestry.PACKED_AWAY;
    }
    if (hasPrevious && isPackedByOthers(search.before(position))) {
      return Ancestry.PACKED_AWAY;
    }
    return isLast ? Ancestry.AHEAD : Ancestry.UNKNOWN;
  }

  /** What is later than {@code tid}; transactions are counted up to a limit. */
  Backlog after(Tid tid, long limit) {
    long start = new TransactionSearch(file, end).positionAfter(tid);
    Optional<Tid> first =
        start < end ? Optional.of(file.transactionHeader(start).tid()) : Optional.empty();
    long position = start;
    long count = 0;
    while (position < end && count < limit) {
      position = file.transactionHeader(position).end();
      count++;
    }
    return new Backlog(count, position >= end, end - start, first);
  }

  /**
   * The objects that are changed by transactions after {@code tid}, up to another one; empty if
   * there are more than the limit.
   */
  Optional<Set<Oid>> changed(Tid tid, Tid upTo, int limit, BooleanSupplier wanted) {
    Set<Oid> oids = new LinkedHashSet<>();
    TransactionCursor cursor =
        new TransactionCursor(file, new TransactionSearch(file, end, wanted).positionAfter(tid));
    TransactionRecord transaction = cursor.next(end);
    while (transaction != null && transaction.tid().compareTo(upTo) <= 0) {
      if (!wanted.getAsBoolean()) {
        throw new StorageException("nobody wants to know any more what was changed after " + tid);
      }
      if (!addOids(transaction, oids, limit)) {
        return Optional.empty();
      }
      transaction = cursor.next(end);
    }
    return Optional.of(oids);
  }

  /** Adds what a transaction changed; false as soon as there are more than the limit. */
  private static boolean addOids(TransactionRecord transaction, Set<Oid> oids, int limit) {
    for (DataHeader record = transaction.nextHeader();
        record != null;
        record = transaction.nextHeader()) {
      oids.add(record.oid());
      if (oids.size() > limit) {
        return false;
      }
    }
    return true;
  }

  /** The last {@code count} transactions, or as many as there are, oldest first. */
  List<Commit> last(int count) {
    List<Commit> commits = new ArrayList<>();
    TransactionCursor cursor =
        new TransactionCursor(file, new TransactionSearch(file, end).positionOfLast(count));
    for (TransactionRecord transaction = cursor.next(end);
        transaction != null;
        transaction = cursor.next(end)) {
      Set<Oid> oids = new LinkedHashSet<>();
      addOids(transaction, oids, Integer.MAX_VALUE);
      commits.add(new Commit(transaction.tid(), List.copyOf(oids), null));
    }
    return commits;
  }

  private static boolean isPacked(TransactionHeader transaction) {
    return transaction.status() == TransactionHeader.STATUS_PACKED;
  }

  /** Python does not say up to where it packed: somewhere behind such a transaction. */
  private boolean isPackedByOthers(TransactionHeader transaction) {
    return isPacked(transaction) && transaction.tid().compareTo(packed) > 0;
  }

  /**
   * The last transaction that has records. Those without are left out by Python when it replicates
   * or copies, so that others may lack them.
   *
   * @return the last one of all if there is none near the end
   */
  Tid lastWithRecords() {
    TransactionSearch search = new TransactionSearch(file, end);
    long position = end;
    for (int i = 0; i < MAX_EMPTY && position > DataFile.START; i++) {
      TransactionHeader transaction = search.before(position);
      if (transaction.length() > transaction.headerLength()) {
        return transaction.tid();
      }
      position = transaction.position();
    }
    return end > DataFile.START ? search.before(end).tid() : Tid.NONE;
  }
}
