package dev.zrs.zeo;

import java.util.function.BooleanSupplier;

/**
 * Says whether the clients of a storage may write. Any thread may call.
 *
 * <p>A ZEO client with several servers does not try again one that refused it, as long as another
 * can't be reached at all. So a secondary whose primary has just died should not refuse too soon.
 */
public interface WriteGate {
  /**
   * Whether all writes are refused now: the storage of a secondary, or one that is served
   * read-only. Asked at each write. Whoever has it turn true must then end the connections, so that
   * no transaction is left that began before.
   */
  boolean refuses();

  /**
   * Waits for as long as it may still turn out that writes are taken here.
   *
   * @param gone whether the client who waits has gone
   * @return whether writes are taken
   */
  boolean awaitWrites(BooleanSupplier gone);

  /** Has those who wait ask again whether their client has gone. */
  void wake();

  /** One that never changes. */
  static WriteGate fixed(boolean refuses) {
    return new WriteGate() {
      @Override
      public boolean refuses() {
        return refuses;
      }

      @Override
      public boolean awaitWrites(BooleanSupplier gone) {
        return !refuses;
      }

      @Override
      public void wake() {
        // Nobody waits.
      }
    };
  }
}
