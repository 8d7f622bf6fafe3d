package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Makes the data file durable: one platform thread that syncs whenever somebody asked, once for all
 * that have asked before it begins. After a failed sync it never syncs again: the kernel may have
 * dropped the pages, and a later success would mean nothing.
 */
final class Syncer implements AutoCloseable {
  private static final Duration STOP_LIMIT = Duration.ofSeconds(60);

  /** What to sync, and what to do then. Called on the sync thread only. */
  interface Target {
    void sync() throws IOException;

    /** All requests up to this number are durable. Must not throw. */
    void synced(long ticket);

    /** The sync failed: called once, before those who wait are told. Must not throw. */
    void failed(StorageException reason);
  }

  private final Target target;
  private final Path file;
  private final Thread thread;

  /** Guards all fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition asked = lock.newCondition();
  private final Condition done = lock.newCondition();
  private long requested;
  private long completed;
  private @Nullable StorageException failure;
  private boolean closed;

  Syncer(Path file, Target target) {
    this.file = file;
    this.target = target;
    this.thread = Thread.ofPlatform().name("sync " + file.getFileName()).daemon().start(this::run);
  }

  /** Asks for a sync of all that is written now; returns what to wait for. Any thread. */
  long request() {
    lock.lock();
    try {
      asked.signal();
      return ++requested;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until a request is served and its consequences have been told. Any thread but the sync
   * thread.
   *
   * @throws StorageException if the sync failed, or the storage was closed before it
   */
  void await(long ticket) {
    lock.lock();
    try {
      while (completed < ticket && failure == null && !closed) {
        done.awaitUninterruptibly();
      }
      if (completed < ticket) {
        throw failure != null
            ? new StorageException(failure.getMessage(), failure)
            : new StorageException(file + " was closed before the transaction was durable");
      }
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    while (true) {
      long ticket = awaitRequest();
      if (ticket < 0) {
        return;
      }
      StorageException reason = null;
      try {
        target.sync();
        target.synced(ticket);
      } catch (IOException e) {
        reason = new StorageIoException("sync", file, e);
      } catch (RuntimeException | OutOfMemoryError e) {
        // Whatever it is: this thread must not end and leave others waiting for it.
        reason = new StorageException("syncing %s failed: %s".formatted(file, e), e);
      }
      if (reason != null) {
        target.failed(reason);
      }
      lock.lock();
      try {
        if (reason != null) {
          failure = reason;
        } else {
          completed = ticket;
        }
        done.signalAll();
        if (reason != null) {
          return;
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private long awaitRequest() {
    lock.lock();
    try {
      while (requested == completed && !closed) {
        asked.awaitUninterruptibly();
      }
      return requested == completed ? -1 : requested;
    } finally {
      lock.unlock();
    }
  }

  /** Serves what was asked and ends the thread; waits for that, with a limit. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      asked.signal();
    } finally {
      lock.unlock();
    }
    try {
      if (!thread.join(STOP_LIMIT)) {
        throw new StorageException("the last sync of %s takes too long".formatted(file));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    lock.lock();
    try {
      done.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
