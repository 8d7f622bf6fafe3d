package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/** The transactions of a storage, their records without its layer. For one thread. */
final class LayeredTransactions implements Transactions {
  private final Transactions base;
  private final RecordLayer layer;

  LayeredTransactions(Transactions base, RecordLayer layer) {
    this.base = base;
    this.layer = layer;
  }

  @Override
  public @Nullable TransactionRecord next() {
    TransactionRecord transaction = base.next();
    return transaction == null ? null : transaction.without(layer);
  }

  @Override
  public RecordReader records() {
    return base.records().without(layer);
  }

  @Override
  public void close() {
    base.close();
  }
}
