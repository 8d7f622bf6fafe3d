package dev.zrs.storage;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Saves the index from time to time while the storage is in use, so that a start after a crash has
 * little to read. Neither readers nor writers wait for it. Any thread may call, unless a method
 * says otherwise.
 */
final class IndexSaver {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** How many changed records make it worth while; reading so many takes well below a second. */
  static final int CHANGES = 200_000;

  private final IndexFile file;
  private final Supplier<FileGeneration> present;
  private final AtomicBoolean running = new AtomicBoolean();

  /**
   * Held while the file is being written, and by a pack from removing it to writing the new one.
   */
  private final ReentrantLock writing = new ReentrantLock();

  private long changes;
  private boolean closed;

  /**
   * @param present gives the storage's present file, entered
   */
  IndexSaver(IndexFile file, Supplier<FileGeneration> present) {
    this.file = file;
    this.present = present;
  }

  /** Counts changed records, and saves if they have become many. On the sync thread only. */
  void changed(int records) {
    changes += records;
    if (changes >= CHANGES && running.compareAndSet(false, true)) {
      changes = 0;
      Thread.ofPlatform()
          .name("index " + file.path().getFileName())
          .daemon()
          .start(this::saveInBackground);
    }
  }

  private void saveInBackground() {
    try {
      saveIfPossible();
    } finally {
      running.set(false);
    }
  }

  /** Nothing is lost if it is not: the next start reads more of the data file. */
  private void saveIfPossible() {
    try {
      save();
    } catch (StorageException e) {
      LOG.warn("{}: saving the index failed: {}", file.path(), e.getMessage());
    }
  }

  /** Saves the index of the present file; no effect after {@link #close}. */
  void save() {
    writing.lock();
    try {
      if (closed) {
        return;
      }
      FileGeneration generation = present.get();
      try {
        file.save(generation);
      } finally {
        generation.leave();
      }
    } finally {
      writing.unlock();
    }
  }

  /**
   * Replaces the file that the index is of: there is no saved index meanwhile, so that no crash can
   * leave one that belongs to another file.
   */
  void replace(Runnable swap) {
    writing.lock();
    try {
      file.delete();
      try {
        swap.run();
      } finally {
        saveIfPossible();
      }
    } finally {
      writing.unlock();
    }
  }

  /** Waits until nothing is being saved, and sees to it that nothing will be. */
  void close() {
    writing.lock();
    try {
      closed = true;
    } finally {
      writing.unlock();
    }
  }
}
