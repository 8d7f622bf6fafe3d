package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/** Committed transactions, read one after the other. For one thread. */
public interface Transactions extends AutoCloseable {
  /**
   * The next transaction; null if there is none.
   *
   * @throws CorruptDataException if it can't be right
   * @throws StorageException if this reader or the storage is closed
   */
  @Nullable TransactionRecord next();

  /**
   * The data records of the transaction that was given last, to be read independently of this
   * reader; also when it is closed. The caller closes it.
   *
   * @throws StorageException if none was given yet, or the storage is closed
   */
  RecordReader records();

  /** Lets go of what it needs to read. Again is harmless. */
  @Override
  void close();
}
