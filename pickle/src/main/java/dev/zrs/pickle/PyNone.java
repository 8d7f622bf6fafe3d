package dev.zrs.pickle;

/** Python's {@code None}; Java's null is never a value of a pickle. */
public enum PyNone {
  /** The only one. */
  NONE
}
