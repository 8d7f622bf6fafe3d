package dev.zrs.storage;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.RecordPickles;
import dev.zrs.pickle.RecordReferences;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what a pack must keep: what could be reached from the root at the pack time, what younger
 * transactions refer or point back to, and all that can be reached from there. For one thread.
 *
 * <p>Python's packer follows younger transactions' back-pointers only, and not all the way: an
 * object that was unlinked before the pack time and linked again after it, or what hangs below one
 * that an undo brought back, can be lost there. Here they stay.
 */
final class PackMarker {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final int PROGRESS_EVERY = 10_000;

  private final DataFile file;
  private final PackKeep keep;
  private final boolean followReferences;
  private final BooleanSupplier stopped;
  private final List<PackReport.UnreadableRecord> unreadable = new ArrayList<>();
  private long unreadableCount;
  private long dangling;
  private long[] todo = new long[1024];
  private int waiting;
  private long followed;

  /**
   * @param followReferences whether garbage is wanted; else only back-pointers count
   * @param stopped whether to give up
   */
  PackMarker(DataFile file, PackKeep keep, boolean followReferences, BooleanSupplier stopped) {
    this.file = file;
    this.keep = keep;
    this.followReferences = followReferences;
    this.stopped = stopped;
  }

  List<PackReport.UnreadableRecord> unreadable() {
    return unreadable;
  }

  long unreadableCount() {
    return unreadableCount;
  }

  /** How many references led to objects that did not exist at the pack time. */
  long danglingReferences() {
    return dangling;
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
    reach(Oid.ROOT.value());
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
    if (!record.hasBackPointer()) {
      if (followReferences) {
        follow(record, this::reachIfThere);
      }
      return;
    }
    long back = file.backPointer(record);
    if (back > 0 && back < packPosition && !keep.isTarget(back)) {
      DataHeader target = file.dataHeader(back, record.oid().value());
      keep.keepTarget(target);
      DataHeader origin = file.origin(back, record.oid().value());
      if (followReferences && origin != null) {
        follow(origin, this::reachIfThere);
      }
    }
  }

  private void followAll(PackProgress progress) {
    while (waiting > 0) {
      Packer.checkStopped(stopped);
      long oid = todo[--waiting];
      DataHeader record = file.dataHeader(keep.currentPosition(oid), oid);
      DataHeader origin =
          record.hasBackPointer() ? file.origin(file.backPointer(record), oid) : record;
      if (origin != null) {
        follow(origin, this::reach);
      }
      followed++;
      if (followed % PROGRESS_EVERY == 0) {
        progress.progress(PackProgress.Phase.MARK, followed, keep.objects());
      }
    }
    progress.progress(PackProgress.Phase.MARK, followed, keep.objects());
  }

  /** Tells each reference of a record, unless they can't be read, which is noted. */
  private void follow(DataHeader record, LongConsumer reference) {
    byte[] data = file.data(record);
    try {
      RecordReferences.of(data, reference);
    } catch (PickleException e) {
      noteUnreadable(record, data, String.valueOf(e.getMessage()));
    }
  }

  private void noteUnreadable(DataHeader record, byte[] data, String reason) {
    String className =
        RecordPickles.classOf(data)
            .map(global -> global.module() + "." + global.name())
            .orElse("?");
    unreadableCount++;
    if (unreadable.size() < PackReport.MAX_NAMED) {
      unreadable.add(
          new PackReport.UnreadableRecord(
              record.oid(), record.tid(), record.position(), className, reason));
      LOG.error(
          "{}: the record of oid {} (class {}, serial {}) at position {} can't be read, so that its"
              + " references are unknown: {}",
          file.path(),
          record.oid(),
          className,
          record.tid(),
          record.position(),
          reason);
    }
  }

  /** An object is reached from one that was there at the pack time. */
  private void reach(long oid) {
    if (!reachIfThere(oid)) {
      dangling++;
      if (dangling <= PackReport.MAX_NAMED) {
        LOG.warn(
            "{}: a reference leads to oid {}, which does not exist", file.path(), new Oid(oid));
      }
    }
  }

  /** An object is reached; false if it was not there at the pack time. */
  private boolean reachIfThere(long oid) {
    if (keep.currentPosition(oid) == 0) {
      return false;
    }
    if (!keep.isMarked(oid)) {
      keep.mark(oid);
      if (waiting == todo.length) {
        todo = Arrays.copyOf(todo, 2 * waiting);
      }
      todo[waiting++] = oid;
    }
    return true;
  }
}
