package dev.zrs.pickle;

/**
 * What a pickle may ask for at most. Memory is already bounded by the input, because every value
 * costs at least one byte of it; these limits bound the constant factor and the depth.
 *
 * @param maxDepth how many marks may be open at once. Values can still nest deeper (a one-tuple
 *     needs no mark), so code that walks a value needs a limit of its own, as {@link PickleWriter}
 *     has.
 * @param maxItems how many values one pickle may make; also the number of memo entries
 */
public record PickleLimits(int maxDepth, int maxItems) {
  /** Python's own recursion limit lets it write about that many tuples within each other. */
  public static final int DEFAULT_MAX_DEPTH = 1_000;

  /** About half a gigabyte of heap at the worst; a Plone site's largest records have some 10^5. */
  public static final int DEFAULT_MAX_ITEMS = 10_000_000;

  /** The documented defaults. */
  public static final PickleLimits DEFAULT = new PickleLimits(DEFAULT_MAX_DEPTH, DEFAULT_MAX_ITEMS);

  /** Checks that both limits are positive. */
  public PickleLimits {
    if (maxDepth < 1 || maxItems < 1) {
      throw new IllegalArgumentException("limits must be positive: " + maxDepth + ", " + maxItems);
    }
  }
}
