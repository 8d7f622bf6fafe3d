package dev.zrs.storage;

/** Is told how far a pack has come. Called on the thread that packs; must be quick. */
@FunctionalInterface
public interface PackProgress {
  /** The parts of a pack, in their order. */
  enum Phase {
    /** Reads the file up to the pack time. */
    SCAN,
    /** Follows references from the root. */
    MARK,
    /** Writes the new file. */
    COPY
  }

  /** Tells nobody. */
  PackProgress NONE = (phase, done, total) -> {};

  /**
   * So much of a phase is done.
   *
   * @param done bytes of the file (SCAN, COPY) or objects (MARK)
   * @param total what {@code done} will be at most at the end of the phase
   */
  void progress(Phase phase, long done, long total);
}
