package dev.zrs.storage;

import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what a pack must keep: what could be reached from the root at the pack time, what younger
 * transactions refer or point back to, and all that can be reached from there. One thread calls; it
 * has threads of its own until {@link #close}, which only read the file, and mark.
 *
 * <p>Python's packer follows younger transactions' back-pointers only, and not all the way: an
 * object that was unlinked before the pack time and linked again after it, or what hangs below one
 * that an undo brought back, can be lost there. Here they stay.
 */
final class PackMarker implements AutoCloseable {
  /** Younger records that are longer than that are read for themselves. */
  private static final int FROM_WINDOW = RecordWindow.LARGE / 4;

  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  private final DataFile file;
  private final PackKeep keep;
  private final boolean followReferences;
  private final PackRate rate;
  private final BooleanSupplier stopped;

  /**
   * Guards memory: whoever has it may have the data of a large record there, from before they are
   * read until they are scanned and let go of. Nobody waits for room in the pool meanwhile, as
   * those who could make room may wait for this lock.
   */
  private final ReentrantLock largeRecord = new ReentrantLock();

  private final UnreadableRecords unreadable = new UnreadableRecords();
  private final LongAdder dangling = new LongAdder();
  private final LongAdder followed = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final RecordReferencesReader own;
  private final MarkPool pool;
  private final long[] toGive = new long[MarkPool.BATCH];
  private int toGiveCount;

  /**
   * @param followReferences whether garbage is wanted; else only back-pointers count
   * @param threads how many threads are to follow references
   * @param rate is turned off when the marking fails, so that none of the threads waits for it any
   *     more
   * @param stopped whether to give up; any thread may ask
   */
  PackMarker(
      DataFile file,
      PackKeep keep,
      boolean followReferences,
      int threads,
      PackRate rate,
      BooleanSupplier stopped) {
    this.file = file;
    this.keep = keep;
    this.followReferences = followReferences;
    this.rate = rate;
    this.stopped = stopped;
    this.own = newReader();
    this.pool =
        new MarkPool(
            String.valueOf(file.path().getFileName()),
            followReferences ? threads : 0,
            this::follower);
  }

  UnreadableRecords unreadable() {
    return unreadable;
  }

  /** How many references led to objects that did not exist at the pack time. */
  long danglingReferences() {
    return dangling.sum();
  }

  /** Bytes of the records that are kept for what they are, not for what points back to them. */
  long markedBytes() {
    return bytes.sum();
  }

  /** Ends its threads, whatever they do. */
  @Override
  public void close() {
    pool.close();
  }

  /**
   * Marks what can be reached from the root.
   *
   * @throws NoSuchObjectException if there are objects but no root
   */
  void markFromRoot(PackProgress progress) {
    if (!followReferences || keep.objects() == 0) {
      return;
    }
    if (keep.currentPosition(Oid.ROOT.value()) == 0) {
      throw new NoSuchObjectException(
          Oid.ROOT, "there was no root object at the pack time, so that all would be garbage");
    }
    mark(
        () -> {
          reachIfThere(Oid.ROOT.value(), this::give);
          followAll(progress);
        });
  }

  /**
   * Marks what the transactions between two positions refer or point back to.
   *
   * @param packPosition where the part of the file ends that is packed
   */
  void markFromYounger(long from, long to, long packPosition, PackProgress progress) {
    mark(
        () -> {
          readYounger(from, to, packPosition);
          followAll(progress);
        });
  }

  private void readYounger(long from, long to, long packPosition) {
    RecordWindow window = new RecordWindow(file, RecordWindow.LARGE);
    TransactionCursor cursor = new TransactionCursor(file, window, from);
    TransactionRecord transaction = cursor.next(to);
    while (transaction != null) {
      Packer.checkStopped(stopped);
      pool.check();
      DataHeader record = transaction.nextHeader();
      while (record != null) {
        markFrom(record, window, packPosition);
        record = transaction.nextHeader();
      }
      transaction = cursor.next(to);
    }
  }

  /** Does a part of the marking; if it fails, {@link #close} need not wait for the rate. */
  private void mark(Runnable part) {
    boolean done = false;
    try {
      part.run();
      done = true;
    } finally {
      if (!done) {
        rate.turnOff();
      }
    }
  }

  private void markFrom(DataHeader record, RecordWindow window, long packPosition) {
    long oid = record.oid().value();
    if (!record.hasBackPointer()) {
      if (followReferences) {
        tellOwn(record, window);
      }
      return;
    }
    long back = file.backPointer(record);
    if (back > 0 && back < packPosition && !keep.isTarget(back)) {
      DataHeader target = file.dataHeader(back, oid);
      DataHeader origin = file.origin(back, oid);
      keep.keepTarget(target, origin == null ? target.length() : origin.length());
      if (followReferences && origin != null) {
        own.tell(origin.position(), oid, reference -> reachIfThere(reference, this::give));
      }
    }
  }

  /**
   * Tells what a younger record refers to.
   *
   * @param window has read the record's header, and will read what follows the record
   */
  private void tellOwn(DataHeader record, RecordWindow window) {
    int offset =
        record.length() > FROM_WINDOW
            ? -1
            : window.require(record.position(), (int) record.length());
    if (offset < 0) {
      own.tell(
          record.position(),
          record.oid().value(),
          reference -> reachIfThere(reference, this::give));
    } else {
      own.scan(record, window.buffer(), offset, reference -> reachIfThere(reference, this::give));
    }
  }

  private void give(long oid) {
    toGive[toGiveCount++] = oid;
    if (toGiveCount == toGive.length) {
      giveAll();
    }
  }

  private void giveAll() {
    if (toGiveCount > 0) {
      if (largeRecord.isHeldByCurrentThread()) {
        pool.offer(toGive, toGiveCount);
      } else {
        pool.give(toGive, toGiveCount);
      }
      toGiveCount = 0;
    }
  }

  private void followAll(PackProgress progress) {
    Runnable tick =
        () -> progress.progress(PackProgress.Phase.MARK, followed.sum(), keep.objects());
    giveAll();
    pool.await(tick);
    while (pool.hasLost()) {
      keep.forEachNotFollowed(this::give);
      giveAll();
      pool.await(tick);
    }
  }

  private RecordReferencesReader newReader() {
    return new RecordReferencesReader(file, unreadable, largeRecord, stopped);
  }

  /** For one more thread of the pool. */
  private MarkPool.Follower follower() {
    RecordReferencesReader reader = newReader();
    return (oid, reached) -> {
      boolean done = false;
      try {
        Packer.checkStopped(stopped);
        if (keep.startFollowing(oid)) {
          long length =
              reader.tell(keep.currentPosition(oid), oid, reference -> reach(reference, reached));
          bytes.add(length);
          followed.increment();
        }
        done = true;
      } finally {
        if (!done) {
          rate.turnOff();
        }
      }
    };
  }

  /** An object is reached from one that was there at the pack time. */
  private void reach(long oid, LongConsumer reached) {
    if (!reachIfThere(oid, reached)) {
      dangling.increment();
      if (dangling.sum() <= PackReport.MAX_NAMED) {
        LOG.warn(
            "{}: a reference leads to oid {}, which does not exist", file.path(), new Oid(oid));
      }
    }
  }

  /** An object is reached; false if it was not there at the pack time. */
  private boolean reachIfThere(long oid, LongConsumer reached) {
    if (keep.currentPosition(oid) == 0) {
      return false;
    }
    if (keep.mark(oid)) {
      reached.accept(oid);
    }
    return true;
  }
}
