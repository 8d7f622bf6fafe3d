package dev.zrs.storage;

import java.util.List;

/**
 * What a pack has done.
 *
 * @param packed false if nothing was to be removed, so that the file is as before
 * @param sizeBefore of the file, in bytes
 * @param sizeAfter of the file, in bytes
 * @param removedRecords data records that are gone: old revisions and garbage
 * @param garbage objects that could not be reached at the pack time; they are gone unless {@link
 *     #garbageKept} says otherwise
 * @param garbageKept whether garbage stayed, because there are unreadable records
 * @param garbageUnknown whether no garbage was looked for, because the last transaction was packed
 *     elsewhere and replicated: what refers to an object may still be on its way
 * @param unreadable records whose references can't be read; at most {@value #MAX_NAMED} are named
 * @param unreadableCount how many there are
 * @param danglingReferences references, from objects that were reachable at the pack time, to
 *     objects that did not exist then
 */
public record PackReport(
    boolean packed,
    long sizeBefore,
    long sizeAfter,
    long removedRecords,
    long garbage,
    boolean garbageKept,
    boolean garbageUnknown,
    List<UnreadableRecord> unreadable,
    long unreadableCount,
    long danglingReferences) {

  /** How many unreadable records are named. */
  public static final int MAX_NAMED = 20;

  /**
   * A record whose references can't be read.
   *
   * @param oid the object
   * @param tid its serial
   * @param position in the file before the pack
   * @param className module and name, or "?" if that can't be read either
   * @param reason why
   */
  public record UnreadableRecord(
      Oid oid, Tid tid, long position, String className, String reason) {}

  /** Nothing was to be done for a file of this size. */
  static PackReport unchanged(long size) {
    return new PackReport(false, size, size, 0, 0, false, false, List.of(), 0, 0);
  }
}
