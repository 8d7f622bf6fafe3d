package dev.zrs.storage;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;

/**
 * Which of the records before the pack time stay, and where they come to stand. For one thread, but
 * for what {@link #mark} and {@link #startFollowing} say; other threads may also ask for positions
 * and marks, until records are moved.
 *
 * <p>What stays: the record of each object that was current at the pack time, if the object is
 * marked as reachable; and the records that younger ones point back to. A mark is a bit of the
 * object's entry in the index, and so is whether its references were followed, so that neither
 * costs memory. While the records are copied, in their order, the index becomes that of the new
 * file, entry by entry: a third bit says of which file an entry is.
 */
final class PackKeep {
  private static final long MARK = 1L << 62;
  private static final long FOLLOWED = 1L << 61;
  private static final long MOVED = 1L << 60;
  private static final long POSITION = MOVED - 1;

  private final ObjectIndex index;
  private final long objects;
  private final Map<Long, Long> targets = new HashMap<>();
  private final Set<Revision> targetRevisions = new HashSet<>();
  private long targetBytes;
  private boolean onlyMarked;
  private final LongAdder marked = new LongAdder();

  /**
   * Where records of objects came to stand that are kept although they are not the current ones.
   */
  private final Map<Long, Long> movedTargets = new HashMap<>();

  private final OidSet garbage = new OidSet();

  private record Revision(Oid oid, Tid tid) {}

  /**
   * @param current the records that were current at the pack time; from now on this object's own
   */
  PackKeep(ObjectIndex current) {
    this.index = current;
    this.objects = index.size();
  }

  /** Has unmarked objects go. Before that, all that was current stays. */
  void keepOnlyMarked() {
    onlyMarked = true;
  }

  /**
   * Position of the object's record that was current at the pack time; 0 if there was none. Not
   * once that record is moved.
   */
  long currentPosition(long oid) {
    long entry = index.get(oid);
    if ((entry & MOVED) != 0) {
      throw new IllegalStateException("the record of oid " + new Oid(oid) + " is moved");
    }
    return entry & POSITION;
  }

  boolean isMarked(long oid) {
    return (index.get(oid) & MARK) != 0;
  }

  /**
   * Marks an object that has a current record. Several threads may do this at a time.
   *
   * @return whether it was not marked before
   */
  boolean mark(long oid) {
    if (isMarked(oid) || (index.setBits(oid, MARK) & MARK) != 0) {
      return false;
    }
    marked.increment();
    return true;
  }

  /**
   * Says that the references of a marked object are being followed. Several threads may do this at
   * a time.
   *
   * @return whether nobody had said so before
   */
  boolean startFollowing(long oid) {
    return (index.setBits(oid, FOLLOWED) & FOLLOWED) == 0;
  }

  /** Tells of each object that is marked, and whose references nobody follows. */
  void forEachNotFollowed(LongConsumer visitor) {
    index.forEach(
        (oid, entry) -> {
          if ((entry & (MARK | FOLLOWED)) == MARK) {
            visitor.accept(oid);
          }
        });
  }

  /** How many objects had a current record at the pack time and are not marked. */
  long unmarked() {
    return objects - marked.sum();
  }

  /** How many objects had a current record at the pack time. */
  long objects() {
    return objects;
  }

  /**
   * Has a record stay because a younger one points back to it.
   *
   * @param length how long it is when it has its data in place of a back-pointer
   */
  void keepTarget(DataHeader record, long length) {
    targetBytes += length;
    targets.put(record.position(), 0L);
    targetRevisions.add(new Revision(record.oid(), record.tid()));
  }

  /** Bytes of the records that stay because younger ones point back to them. */
  long targetBytes() {
    return targetBytes;
  }

  boolean isTarget(long position) {
    return targets.containsKey(position);
  }

  boolean keeps(DataHeader record) {
    long entry = index.get(record.oid().value());
    return (isAt(entry, record.position()) && isKept(entry))
        || targets.containsKey(record.position());
  }

  /** Whether the record stays that was current at the pack time. */
  private boolean isKept(long entry) {
    return !onlyMarked || (entry & MARK) != 0;
  }

  private static boolean isAt(long entry, long position) {
    return (entry & (MOVED | POSITION)) == position;
  }

  /**
   * Whether some record of this object and serial stays; there may be two of them. For a record
   * that does not stay, before those behind it are moved: one of them is the current one, if there
   * is one.
   */
  boolean keepsRevision(DataHeader record, DataFile file) {
    long oid = record.oid().value();
    long position = currentPosition(oid);
    boolean kept = position != 0 && isKept(index.get(oid));
    return targetRevisions.contains(new Revision(record.oid(), record.tid()))
        || (kept && file.dataHeader(position, oid).tid().equals(record.tid()));
  }

  /** Remembers where a kept record stands in the new file. */
  void moved(DataHeader record, long to) {
    targets.replace(record.position(), to);
    long oid = record.oid().value();
    if (isAt(index.get(oid), record.position())) {
      index.put(oid, to | MOVED);
    } else {
      movedTargets.put(oid, to);
    }
  }

  /**
   * The index that is made here, which is that of the new file once {@link #finishIndex} is done.
   */
  ObjectIndex index() {
    return index;
  }

  /**
   * When all that stays is moved: makes what was the index of the pack time that of the new file.
   *
   * @throws StorageException if a record that stays was not moved
   */
  void finishIndex() {
    index.replaceAll(
        (oid, entry) -> {
          if ((entry & MOVED) != 0) {
            return entry & POSITION;
          }
          requireGarbage(oid, entry);
          garbage.add(oid);
          return 0;
        });
    movedTargets.forEach(
        (oid, position) -> {
          if (index.get(oid) == 0) {
            index.put(oid, position);
          }
        });
    movedTargets.clear();
  }

  private void requireGarbage(long oid, long entry) {
    if (isKept(entry)) {
      throw new StorageException(
          ("the record of oid %s at position %d stays, but was not met when the file was read again"
                  + " to copy it: the disk or the memory may be defective; nothing is changed")
              .formatted(new Oid(oid), entry & POSITION));
    }
  }

  /**
   * Whether an object had a current record at the pack time that does not stay; known when {@link
   * #finishIndex} is done.
   */
  boolean isGarbage(long oid) {
    return garbage.contains(oid);
  }

  /** Where a target stands in the new file; 0 if it is not kept. */
  long newPosition(long target) {
    return targets.getOrDefault(target, 0L);
  }
}
