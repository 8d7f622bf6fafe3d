package dev.zrs.storage;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The transactions of one storage and then those of another. For one thread. */
final class ChainedTransactions implements Transactions {
  private final Supplier<Transactions> rest;
  private Transactions current;
  private boolean first = true;

  /**
   * @param rest opened when the first ones are at their end
   */
  ChainedTransactions(Transactions first, Supplier<Transactions> rest) {
    this.current = first;
    this.rest = rest;
  }

  @Override
  public @Nullable TransactionRecord next() {
    TransactionRecord transaction = current.next();
    if (transaction == null && first) {
      Transactions ended = current;
      current = rest.get();
      first = false;
      ended.close();
      transaction = current.next();
    }
    return transaction;
  }

  @Override
  public RecordReader records() {
    return current.records();
  }

  @Override
  public void close() {
    current.close();
  }
}
