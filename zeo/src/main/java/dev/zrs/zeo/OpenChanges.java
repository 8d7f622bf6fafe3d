package dev.zrs.zeo;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the changes that the open transactions of a storage have collected. Their data go to
 * temporary files when there is no room; what is left of each in memory is small, but nothing but
 * the end of the transaction ends it. Any thread.
 */
final class OpenChanges {
  /** What a change needs in the heap beside its data, generously. */
  private static final int BYTES_EACH = 150;

  /** The part of the heap that they may have. */
  private static final int OF_HEAP = 8;

  private final AtomicLong count = new AtomicLong();
  private final long limit;

  /** With the limit that the heap allows. */
  OpenChanges() {
    this(Runtime.getRuntime().maxMemory() / OF_HEAP / BYTES_EACH);
  }

  OpenChanges(long limit) {
    this.limit = limit;
  }

  /**
   * Adds one.
   *
   * @throws RequestException if there are too many; it is not counted then
   */
  void add() {
    if (count.incrementAndGet() > limit) {
      count.decrementAndGet();
      throw new RequestException(
          RemoteError.storageError(
              "the open transactions of this storage have more than " + limit + " changes"));
    }
  }

  /** Takes those of a transaction away, at its end. */
  void remove(long changes) {
    count.addAndGet(-changes);
  }

  long count() {
    return count.get();
  }
}
