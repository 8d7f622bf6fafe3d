package dev.zrs.server;

/** How a storage of a secondary stands against that of its primary. */
sealed interface Lag {
  /** It has all that the primary has. */
  record Level() implements Lag {}

  /**
   * The primary names a later tid, but has no record that is not here: its last transactions
   * changed nothing, or a pack has removed what they changed.
   */
  record NothingToSend() implements Lag {}

  /**
   * It lacks something.
   *
   * @param seconds for how long already; not negative
   */
  record Behind(double seconds) implements Lag {}

  /**
   * It lacks something, but the primary does not say since when.
   *
   * @param least seconds since the primary's last transaction; not negative
   * @param most seconds since the secondary's last transaction; not less
   * @param reason why the primary does not say
   */
  record Unsure(double least, double most, String reason) implements Lag {}

  /**
   * It has something that the primary has not.
   *
   * @param seconds from the primary's last transaction to the secondary's
   */
  record Ahead(double seconds) implements Lag {}
}
