package dev.zrs.storage;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The transactions whose place in the order is fixed but whose last sync has not returned: conflict
 * checks see them, readers do not. Any thread may call.
 */
final class PendingTransactions {
  /** Guards both fields, and that the queue is in the order of the syncs that were asked for. */
  private final ReentrantLock lock = new ReentrantLock();

  private final ArrayDeque<Entry> queue = new ArrayDeque<>();
  private final Map<Long, Long> positions = new HashMap<>();

  private record Entry(AppendedTransaction transaction, long ticket) {}

  /** Position of the object's newest pending record; 0 if there is none. */
  long position(long oid) {
    lock.lock();
    try {
      return positions.getOrDefault(oid, 0L);
    } finally {
      lock.unlock();
    }
  }

  /** Lets conflict checks see a transaction. */
  void add(AppendedTransaction transaction) {
    lock.lock();
    try {
      for (int i = 0; i < transaction.size(); i++) {
        positions.put(transaction.oid(i), transaction.recordPosition(i));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Forgets a transaction that was added but will not be committed; it must be the last. */
  void removeLast(AppendedTransaction transaction) {
    lock.lock();
    try {
      forget(transaction);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Queues transactions that wait for one sync.
   *
   * @param requestSync asks for the sync and returns its ticket
   * @return the ticket
   */
  long enqueue(List<AppendedTransaction> transactions, LongSupplier requestSync) {
    lock.lock();
    try {
      long ticket = requestSync.getAsLong();
      for (AppendedTransaction transaction : transactions) {
        queue.addLast(new Entry(transaction, ticket));
      }
      return ticket;
    } finally {
      lock.unlock();
    }
  }

  /** Takes out, in order, what is durable when all syncs up to {@code ticket} are done. */
  List<AppendedTransaction> takeDurable(long ticket) {
    lock.lock();
    try {
      List<AppendedTransaction> durable = new ArrayList<>();
      Entry first = queue.peekFirst();
      while (first != null && first.ticket() <= ticket) {
        durable.add(first.transaction());
        queue.removeFirst();
        first = queue.peekFirst();
      }
      return durable;
    } finally {
      lock.unlock();
    }
  }

  /** Forgets a transaction that readers can see now. */
  void visible(AppendedTransaction transaction) {
    lock.lock();
    try {
      forget(transaction);
    } finally {
      lock.unlock();
    }
  }

  private void forget(AppendedTransaction transaction) {
    for (int i = 0; i < transaction.size(); i++) {
      positions.remove(transaction.oid(i), transaction.recordPosition(i));
    }
  }
}
