package dev.zrs.zeo;

import dev.zrs.storage.Commit;
import dev.zrs.storage.CommitFollower;
import dev.zrs.storage.Storage;
import dev.zrs.storage.Tid;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Tells every commit of one storage to the clients that are registered for it, in tid order; {@link
 * Outbox} says what that order is good for. Any thread may call.
 */
final class Broadcaster implements CommitFollower {
  /** A registered client. */
  interface Subscriber {
    /** Whether the transaction is this client's own. */
    boolean isOriginOf(Commit commit);

    /**
     * A transaction was committed. Called in tid order, on the storage's sync thread; must not
     * wait.
     */
    void committed(Commit commit, SharedMessage invalidation);

    /** Sends a message that says nothing of a transaction. Must not wait. */
    void inform(SharedMessage message);

    /** It could not be told; it must come back and ask what it missed. Must not wait. */
    void disconnect();
  }

  private final Storage storage;
  private final InvalidationQueue queue;

  /** Guards all fields below. Taken inside the commit feed's lock, and outside any outbox's. */
  private final ReentrantLock lock = new ReentrantLock();

  private final List<Subscriber> subscribers = new ArrayList<>();
  private Tid last = Tid.NONE;

  Broadcaster(Storage storage, int queueSize) {
    this.storage = storage;
    this.queue = new InvalidationQueue(queueSize);
  }

  /** Begins to follow the storage; before any subscriber joins. */
  void start(int queueSize) {
    // Not under the lock: the feed calls committed under its own, and follow takes that too.
    Tid followed = storage.feed().follow(this);
    lock.lock();
    try {
      if (followed.compareTo(last) > 0) {
        last = followed;
      }
    } finally {
      lock.unlock();
    }
    queue.seed(storage.lastCommits(queueSize));
  }

  /** Ends it. */
  void stop() {
    storage.feed().unfollow(this);
  }

  /**
   * Adds a client, which is told every transaction from then on.
   *
   * @param welcome gets the last transaction of which it will not be told, before it is told any
   */
  void join(Subscriber subscriber, Consumer<Tid> welcome) {
    lock.lock();
    try {
      welcome.accept(last);
      subscribers.add(subscriber);
    } finally {
      lock.unlock();
    }
  }

  void leave(Subscriber subscriber) {
    lock.lock();
    try {
      subscribers.remove(subscriber);
    } finally {
      lock.unlock();
    }
  }

  /** Sends a message to all clients. */
  void inform(SharedMessage message) {
    lock.lock();
    try {
      subscribers.forEach(subscriber -> subscriber.inform(message));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void committed(Commit commit) {
    SharedMessage invalidation =
        new SharedMessage(to -> Messages.invalidateTransaction(to, commit.tid(), commit.oids()));
    lock.lock();
    try {
      last = commit.tid();
      queue.add(commit);
      // The committer last: once it knows, it may tell others by ways of its own, and whoever then
      // asks the server must find the invalidation in front of the answer.
      Subscriber committer = null;
      for (Subscriber subscriber : subscribers) {
        if (subscriber.isOriginOf(commit)) {
          committer = subscriber;
        } else {
          tell(subscriber, commit, invalidation);
        }
      }
      if (committer != null) {
        tell(committer, commit, invalidation);
      }
    } finally {
      lock.unlock();
    }
  }

  private static void tell(Subscriber subscriber, Commit commit, SharedMessage invalidation) {
    boolean told = false;
    try {
      subscriber.committed(commit, invalidation);
      told = true;
    } catch (RuntimeException | OutOfMemoryError e) {
      ClientLog.LOG.error("telling a client of {} failed", commit.tid(), e);
    } finally {
      // One client's trouble must not keep the others from the truth, nor leave it in the dark.
      if (!told) {
        subscriber.disconnect();
      }
    }
  }

  InvalidationQueue queue() {
    return queue;
  }

  int subscribers() {
    lock.lock();
    try {
      return subscribers.size();
    } finally {
      lock.unlock();
    }
  }
}
