package dev.zrs.zeo;

import dev.zrs.storage.Commit;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which objects the last transactions changed, for clients that come back with a cache. Any thread
 * may call; it waits for nothing and calls nobody.
 */
final class InvalidationQueue {
  private final int limit;
  private final ArrayDeque<Entry> entries = new ArrayDeque<>();

  /** What it keeps of a commit; the rest would hold on to a client's connection. */
  private record Entry(Tid tid, List<Oid> oids) {
    static Entry of(Commit commit) {
      return new Entry(commit.tid(), commit.oids());
    }
  }

  /**
   * An empty queue.
   *
   * @param limit how many transactions to remember
   */
  InvalidationQueue(int limit) {
    this.limit = limit;
  }

  /** Puts transactions of the past, oldest first, before those that were added meanwhile. */
  synchronized void seed(List<Commit> past) {
    Entry first = entries.peekFirst();
    for (Commit commit : past.reversed()) {
      boolean known = first != null && commit.tid().compareTo(first.tid()) >= 0;
      if (entries.size() < limit && !known) {
        entries.addFirst(Entry.of(commit));
      }
    }
  }

  /** Adds the newest transaction. */
  synchronized void add(Commit commit) {
    if (entries.size() >= limit) {
      entries.removeFirst();
    }
    entries.addLast(Entry.of(commit));
  }

  /** The oldest transaction that it has; null if it has none. */
  synchronized @Nullable Tid oldest() {
    Entry first = entries.peekFirst();
    return first == null ? null : first.tid();
  }

  /** Whether it has this very transaction. */
  synchronized boolean remembers(Tid tid) {
    Iterator<Entry> newestFirst = entries.descendingIterator();
    while (newestFirst.hasNext()) {
      int order = newestFirst.next().tid().compareTo(tid);
      if (order <= 0) {
        return order == 0;
      }
    }
    return false;
  }

  /**
   * The objects that were changed after one transaction and up to another one.
   *
   * @return null if the queue does not reach back far enough to say
   */
  synchronized @Nullable Set<Oid> changed(Tid after, Tid upTo) {
    Entry first = entries.peekFirst();
    if (first == null || first.tid().compareTo(after) > 0) {
      return null;
    }
    Set<Oid> oids = new LinkedHashSet<>();
    Iterator<Entry> newestFirst = entries.descendingIterator();
    while (newestFirst.hasNext()) {
      Entry entry = newestFirst.next();
      if (entry.tid().compareTo(after) <= 0) {
        break;
      }
      if (entry.tid().compareTo(upTo) <= 0) {
        oids.addAll(entry.oids());
      }
    }
    return oids;
  }
}
