package dev.zrs.storage;

/**
 * The file that a storage reads and writes now, which a pack may replace, and the last transaction
 * that readers may see. Any thread may call, unless a method says otherwise.
 */
final class PresentFile implements TransactionReader.Source {
  private final String name;
  private volatile FileGeneration generation;
  private volatile Tid lastTransaction;
  private volatile boolean closed;

  PresentFile(String name, FileGeneration generation, Tid lastTransaction) {
    this.name = name;
    this.generation = generation;
    this.lastTransaction = lastTransaction;
  }

  /** The file, which may be closed; enter it to read. */
  FileGeneration generation() {
    return generation;
  }

  @Override
  public FileGeneration enter() {
    if (closed) {
      throw closedException();
    }
    return enterEvenIfClosed();
  }

  /** As {@link #enter}, for the last work before the file is closed. */
  FileGeneration enterEvenIfClosed() {
    FileGeneration entered = generation;
    while (!entered.enter()) {
      // A pack has just replaced it, unless the storage is closed for good.
      if (entered == generation) {
        throw closedException();
      }
      entered = generation;
    }
    return entered;
  }

  @Override
  public boolean isPresent(FileGeneration other) {
    return other == generation && !closed;
  }

  /**
   * Has everybody read another file from now on. Under the commit lock, while nothing is pending.
   */
  void replace(FileGeneration newer) {
    FileGeneration old = generation;
    generation = newer;
    old.leave();
  }

  Tid lastTransaction() {
    return lastTransaction;
  }

  /** On the sync thread only. */
  void setLastTransaction(Tid tid) {
    lastTransaction = tid;
  }

  boolean isClosed() {
    return closed;
  }

  void setClosed() {
    closed = true;
  }

  StorageException closedException() {
    return new StorageException(name + " is closed");
  }
}
