package dev.zrs.storage;

import java.time.Duration;
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
 * @param unreadableCount how many there are; of very many one may be counted twice
 * @param danglingReferences references, from objects that were reachable at the pack time, to
 *     objects that did not exist then
 * @param removedClasses the classes whose removed records had the most bytes, the largest one first
 * @param longestStop the longest time for which no transaction could be committed
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
    long danglingReferences,
    List<RemovedClass> removedClasses,
    Duration longestStop) {

  /** How many unreadable records are named. */
  public static final int MAX_NAMED = 20;

  /** How many classes of removed records are named. */
  public static final int MAX_CLASSES = 10;

  /**
   * What was removed of a class.
   *
   * @param className module and name, without control characters; "?" where it can't be told, also
   *     for records that share their data with another one; "others" for those of classes beyond
   *     some hundred
   * @param records how many
   * @param bytes how much of the file
   */
  public record RemovedClass(String className, long records, long bytes) {}

  /**
   * A record whose references can't be read.
   *
   * @param oid the object
   * @param tid its serial
   * @param position in the file before the pack
   * @param className module and name, without control characters; "?" if that can't be read either
   * @param reason why, without control characters
   */
  public record UnreadableRecord(
      Oid oid, Tid tid, long position, String className, String reason) {}

  /** Nothing was to be done for a file of this size. */
  static PackReport unchanged(long size) {
    return new PackReport(
        false, size, size, 0, 0, false, false, List.of(), 0, 0, List.of(), Duration.ZERO);
  }
}
