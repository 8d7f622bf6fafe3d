package dev.zrs.replication;

/** A blob whose blocks are arriving. For one thread. */
sealed interface IncomingBlob extends AutoCloseable permits PassedBlob, SharedBlob, StoredBlob {
  /** Takes the next block. */
  void write(byte[] block);

  boolean isComplete();

  /** After the last block: gives it to its transaction. */
  void finish();

  /** Drops it. */
  @Override
  void close();
}
