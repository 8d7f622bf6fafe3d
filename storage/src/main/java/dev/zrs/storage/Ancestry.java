package dev.zrs.storage;

/**
 * What a storage can say of a transaction that somebody else names as the last one that they have.
 */
public enum Ancestry {
  /**
   * It is the storage's own, or the one just before one of its own (which nobody has; it is how one
   * asks for a transaction that one has, to compare), or there is none.
   */
  KNOWN,

  /** It is not there, but may have been: it is not younger than the last pack. */
  PACKED_AWAY,

  /** It is not there and never was, though younger ones are: the histories have diverged. */
  UNKNOWN,

  /** It is later than all that the storage has. */
  AHEAD
}
