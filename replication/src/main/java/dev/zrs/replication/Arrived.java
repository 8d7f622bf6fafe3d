package dev.zrs.replication;

import dev.zrs.storage.TransactionBuffer;

/** A transaction that has arrived whole and with the right checksum. */
sealed interface Arrived {
  /**
   * One that is to be applied.
   *
   * @param transaction the receiver's from now on
   */
  record New(TransactionBuffer transaction) implements Arrived {}

  /** One that this side should have already. */
  record Known(TransactionPrint print) implements Arrived {}
}
