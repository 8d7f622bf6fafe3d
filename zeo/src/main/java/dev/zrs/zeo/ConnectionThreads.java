package dev.zrs.zeo;

/** Starts the threads of one connection, which are named after what they do for it. */
@FunctionalInterface
interface ConnectionThreads {
  /**
   * Starts a thread.
   *
   * @param part what it does, for its name
   */
  void start(String part, Runnable body);
}
