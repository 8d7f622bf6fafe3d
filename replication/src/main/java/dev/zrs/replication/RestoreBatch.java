package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.TransactionBuffer;
import java.util.ArrayList;
import java.util.List;

/** Complete transactions that are not applied yet. For one thread. */
final class RestoreBatch implements AutoCloseable {
  /** Bytes of heap for a record, besides its data; more than it is. */
  private static final long RECORD_COST = 300;

  private final FileStorage storage;
  private final long maxBytes;
  private final int maxTransactions;
  private final List<TransactionBuffer> transactions = new ArrayList<>();
  private long bytes;

  /**
   * @param maxBytes data beyond which it is full
   * @param maxTransactions how many make it full
   */
  RestoreBatch(FileStorage storage, long maxBytes, int maxTransactions) {
    this.storage = storage;
    this.maxBytes = maxBytes;
    this.maxTransactions = maxTransactions;
  }

  /** Takes a transaction over. */
  void add(TransactionBuffer transaction) {
    transactions.add(transaction);
    bytes += transaction.byteCount() + RECORD_COST * transaction.recordCount();
  }

  boolean isEmpty() {
    return transactions.isEmpty();
  }

  boolean isFull() {
    return bytes >= maxBytes || transactions.size() >= maxTransactions;
  }

  /** Makes all durable and visible; whether it succeeds or not, the batch is empty after it. */
  void apply() {
    try {
      storage.restoreAll(transactions);
    } finally {
      close();
    }
  }

  /** Drops what it holds. */
  @Override
  public void close() {
    try {
      transactions.forEach(TransactionBuffer::close);
    } finally {
      transactions.clear();
      bytes = 0;
    }
  }
}
