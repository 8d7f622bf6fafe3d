package dev.zrs.testkit;

/** One of the two ways through a {@link NetworkProxy}. */
public enum Way {
  /** What clients send. */
  TO_SERVER,
  /** What the server sends. */
  TO_CLIENT
}
