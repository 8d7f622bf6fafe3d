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
  private final ArrayDeque<Commit> commits = new ArrayDeque<>();

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
    Commit first = commits.peekFirst();
    for (Commit commit : past.reversed()) {
      if (commits.size() < limit && (first == null || isBefore(commit, first.tid()))) {
        commits.addFirst(commit);
      }
    }
  }

  /** Adds the newest transaction. */
  synchronized void add(Commit commit) {
    if (commits.size() >= limit) {
      commits.removeFirst();
    }
    commits.addLast(commit);
  }

  /** The oldest tid of which the queue knows; null if it knows none. */
  synchronized @Nullable Tid oldest() {
    Commit first = commits.peekFirst();
    return first == null ? null : first.tid();
  }

  /**
   * The objects that were changed after one transaction and up to another one.
   *
   * @return null if the queue does not reach back far enough to say
   */
  synchronized @Nullable Set<Oid> changed(Tid after, Tid upTo) {
    Commit first = commits.peekFirst();
    if (first == null || first.tid().compareTo(after) > 0) {
      return null;
    }
    Set<Oid> oids = new LinkedHashSet<>();
    Iterator<Commit> newestFirst = commits.descendingIterator();
    while (newestFirst.hasNext()) {
      Commit commit = newestFirst.next();
      if (commit.tid().compareTo(after) <= 0) {
        break;
      }
      if (commit.tid().compareTo(upTo) <= 0) {
        oids.addAll(commit.oids());
      }
    }
    return oids;
  }

  private static boolean isBefore(Commit commit, Tid tid) {
    return commit.tid().compareTo(tid) < 0;
  }
}
