package dev.zrs.storage;

import java.time.DateTimeException;
import java.time.Instant;

/**
 * What a pack shall do.
 *
 * @param packTime revisions that were not current then are removed; what is younger stays
 * @param collectGarbage whether objects go that could not be reached from the root then
 * @param keepOld whether the old file stays, as {@code Data.fs.old}, and the blobs as {@code
 *     blobs.old}
 * @param garbageAnyway whether garbage is removed even if there is a record whose references can't
 *     be read, so that an object might go that only this record refers to; and even if the file may
 *     be a part of a packed one, which is being replicated
 * @param rate how many bytes a second the pack may read and write, together; 0 for no limit. What
 *     is committed while it copies is copied without limit, so that it comes to its end
 */
public record PackOptions(
    Tid packTime, boolean collectGarbage, boolean keepOld, boolean garbageAnyway, long rate) {

  /** A pack as fast as it can be. */
  public PackOptions(Tid packTime, boolean collectGarbage, boolean keepOld, boolean garbageAnyway) {
    this(packTime, collectGarbage, keepOld, garbageAnyway, 0);
  }

  /** As the storage's own options say. */
  public static PackOptions of(StorageOptions options, Tid packTime) {
    return new PackOptions(
        packTime, options.packCollectsGarbage(), options.packKeepsOld(), false, options.packRate());
  }

  /** The same, but what can't be reached stays. */
  PackOptions withoutGarbage() {
    return new PackOptions(packTime, false, keepOld, garbageAnyway, rate);
  }

  public PackOptions withGarbageAnyway(boolean value) {
    return new PackOptions(packTime, collectGarbage, keepOld, value, rate);
  }

  /** The same, but it reads and writes at most so many bytes a second; 0 for no limit. */
  public PackOptions withRate(long value) {
    return new PackOptions(packTime, collectGarbage, keepOld, garbageAnyway, value);
  }

  /**
   * The tid of a time in seconds since 1970, as Python computes it.
   *
   * @throws StorageException if no tid stands for it
   */
  public static Tid tidOf(double seconds) {
    if (!Double.isFinite(seconds)) {
      throw new StorageException("Invalid pack time");
    }
    // Python takes the minutes from the whole seconds, and the rest as a floating-point number.
    long minutes = Math.floorDiv((long) Math.floor(seconds), 60L);
    double rest = seconds % 60;
    try {
      Tid tid = Tid.of(Instant.ofEpochSecond(minutes * 60), rest < 0 ? rest + 60 : rest);
      if (tid.equals(Tid.NONE)) {
        throw new StorageException("Invalid pack time");
      }
      return tid;
    } catch (DateTimeException | ArithmeticException e) {
      throw new StorageException("Invalid pack time", e);
    }
  }
}
