package dev.zrs.storage;

import java.io.IOException;
import java.time.Duration;

/** What a storage does for a pack of its file. For the thread that packs. */
interface Packable {
  /**
   * Makes sure that nothing is pending and that no later transaction points back to what stands
   * now.
   *
   * @return where the last transaction ends
   */
  long begin();

  /** Ends what {@link #begin} began, if the file was not replaced. */
  void abandon();

  /** Whether the storage was closed or can't be written any more. Any thread may ask. */
  boolean isStopped();

  /**
   * Runs the last stretch while nobody commits and nothing is pending, then reads and writes in the
   * file that it gives.
   *
   * @return false if the stretch was not short any more, so that nothing was done
   */
  boolean replace(LastStretch stretch) throws IOException;

  /** The longest time since {@link #begin} for which it let nobody commit. */
  Duration longestStop();

  /**
   * Writes down that the file is about to be replaced.
   *
   * @param lastPacked the last transaction up to the pack time
   */
  void takesPlace(Tid lastPacked) throws IOException;

  /** Saves the index while nobody else does. */
  void withoutIndex(Runnable swap);

  /** The end of the copying, under the commit lock. */
  interface LastStretch {
    /** Whether so little is left that others can be stopped for it. */
    boolean isShort();

    /**
     * Copies the rest and gives the new file its name.
     *
     * @param last the last transaction
     * @return the new file
     */
    FileGeneration finish(Tid last) throws IOException;
  }
}
