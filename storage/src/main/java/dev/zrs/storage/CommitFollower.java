package dev.zrs.storage;

/** Follows the commits of a storage; see {@link CommitFeed#follow}. */
public interface CommitFollower {
  /**
   * A transaction is durable and visible. Called once for each, in tid order, on the storage's sync
   * thread; every later commit waits for it, so it must not block, and must not throw.
   */
  void committed(Commit commit);
}
