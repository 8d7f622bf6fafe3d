package dev.zrs.storage;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.ReferenceScanner;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
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
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  private final DataFile file;
  private final PackKeep keep;
  private final boolean followReferences;
  private final BooleanSupplier stopped;
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
   * @param stopped whether to give up; any thread may ask
   */
  PackMarker(
      DataFile file,
      PackKeep keep,
      boolean followReferences,
      int threads,
      BooleanSupplier stopped) {
    this.file = file;
    this.keep = keep;
    this.followReferences = followReferences;
    this.stopped = stopped;
    this.own = new RecordReferencesReader();
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
    reachIfThere(Oid.ROOT.value(), this::give);
    followAll(progress);
  }

  /**
   * Marks what the transactions between two positions refer or point back to.
   *
   * @param packPosition where the part of the file ends that is packed
   */
  void markFromYounger(long from, long to, long packPosition, PackProgress progress) {
    TransactionCursor cursor = new TransactionCursor(file, from);
    TransactionRecord transaction = cursor.next(to);
    while (transaction != null) {
      Packer.checkStopped(stopped);
      DataHeader record = transaction.nextHeader();
      while (record != null) {
        markFrom(record, packPosition);
        record = transaction.nextHeader();
      }
      transaction = cursor.next(to);
    }
    followAll(progress);
  }

  private void markFrom(DataHeader record, long packPosition) {
    long oid = record.oid().value();
    if (!record.hasBackPointer()) {
      if (followReferences) {
        own.tell(record.position(), oid, reference -> reachIfThere(reference, this::give));
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

  private void give(long oid) {
    toGive[toGiveCount++] = oid;
    if (toGiveCount == toGive.length) {
      giveAll();
    }
  }

  private void giveAll() {
    if (toGiveCount > 0) {
      pool.give(toGive, toGiveCount);
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

  /** For one more thread of the pool. */
  private MarkPool.Follower follower() {
    RecordReferencesReader reader = new RecordReferencesReader();
    return (oid, reached) -> {
      Packer.checkStopped(stopped);
      if (keep.startFollowing(oid)) {
        long length =
            reader.tell(keep.currentPosition(oid), oid, reference -> reach(reference, reached));
        bytes.add(length);
        followed.increment();
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

  /** Reads records and tells what they refer to. For one thread. */
  private final class RecordReferencesReader {
    private final RecordBuffer buffer = new RecordBuffer(file);
    private final ReferenceScanner scanner = new ReferenceScanner();

    /**
     * Tells each reference of a record, or of the one it points back to, unless they can't be read,
     * which is noted.
     *
     * @return how long the record is without a back-pointer
     */
    long tell(long position, long oid, LongConsumer reference) {
      DataHeader record = buffer.read(position, oid);
      if (record.hasBackPointer()) {
        DataHeader origin = file.origin(file.backPointer(record), oid);
        if (origin == null) {
          return record.length();
        }
        record = buffer.read(origin.position(), oid);
      }
      int length = (int) record.dataLength();
      try {
        scanner.scan(buffer.bytes(), DataHeader.LENGTH, length, reference);
      } catch (PickleException e) {
        byte[] data =
            Arrays.copyOfRange(buffer.bytes(), DataHeader.LENGTH, DataHeader.LENGTH + length);
        unreadable.add(record, data, String.valueOf(e.getMessage()));
      }
      return record.length();
    }
  }
}
