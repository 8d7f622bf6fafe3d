package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/** Reads the data records of one transaction. For one thread. */
public final class RecordReader implements AutoCloseable {
  private final FileGeneration generation;
  private final TransactionRecord transaction;
  private boolean closed;

  /**
   * @param generation the file, entered; this reader leaves it
   */
  RecordReader(FileGeneration generation, TransactionRecord transaction) {
    this.generation = generation;
    this.transaction = transaction;
  }

  /** The same, with a layer less on the data; it takes this one's place. */
  RecordReader without(RecordLayer layer) {
    return new RecordReader(generation, transaction.without(layer));
  }

  /** The transaction. */
  public Tid tid() {
    return transaction.tid();
  }

  /**
   * The next data record; null if there is none left.
   *
   * @throws CorruptDataException if it can't be right
   * @throws StorageException if this reader is closed
   */
  public @Nullable DataRecord next() {
    if (closed) {
      throw new StorageException("the reader of records is closed");
    }
    return transaction.nextRecord();
  }

  /** Lets go of the file. Again is harmless. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      generation.leave();
    }
  }
}
