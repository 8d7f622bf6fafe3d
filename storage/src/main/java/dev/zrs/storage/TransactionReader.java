package dev.zrs.storage;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the committed transactions of a storage in their order, including those that come while it
 * reads. If a pack replaces the file, it goes on in the new one behind the transaction that it gave
 * last. For one thread; independent of every other reader and of writers.
 */
public final class TransactionReader implements Transactions {
  private final Source source;
  private final Tid last;
  private final int window;
  private final BooleanSupplier wanted;
  private FileGeneration generation;
  private TransactionCursor cursor;
  private Tid read;
  private @Nullable TransactionRecord given;
  private boolean ended;
  private boolean closed;

  /** Where the transactions come from. Any thread may call. */
  interface Source {
    /**
     * The storage's present file, entered.
     *
     * @throws StorageException if the storage is closed
     */
    FileGeneration enter();

    /** Whether that is still its file. */
    boolean isPresent(FileGeneration generation);
  }

  /**
   * @param after the transaction before the first one to read; it need not exist
   * @param last the last one to read; {@link Tid#MAX} for all that come
   * @param window how many bytes to read ahead
   * @param wanted whether to go on looking for {@code after}; that can take long
   */
  TransactionReader(Source source, Tid after, Tid last, int window, BooleanSupplier wanted) {
    this.source = source;
    this.wanted = wanted;
    this.read = after;
    this.last = last;
    this.window = window;
    this.generation = source.enter();
    boolean found = false;
    try {
      this.cursor = find();
      found = true;
    } finally {
      if (!found) {
        generation.leave();
      }
    }
  }

  private TransactionCursor find() {
    DataFile file = generation.file();
    long position =
        new TransactionSearch(file, generation.visibleEnd(), wanted).positionAfter(read);
    return new TransactionCursor(file, new RecordWindow(file, window), position);
  }

  /**
   * The next transaction; null if there is none now. It may be asked again when the commit feed has
   * told of another.
   *
   * @throws CorruptDataException if it can't be right
   * @throws StorageException if this reader or the storage is closed
   */
  @Override
  public @Nullable TransactionRecord next() {
    if (closed) {
      throw new StorageException("the reader of transactions is closed");
    }
    if (ended) {
      return null;
    }
    if (!source.isPresent(generation)) {
      FileGeneration newer = source.enter();
      generation.leave();
      generation = newer;
      cursor = find();
    }
    TransactionRecord transaction = cursor.next(generation.visibleEnd());
    if (transaction == null) {
      return null;
    }
    if (transaction.tid().compareTo(last) > 0) {
      ended = true;
      return null;
    }
    read = transaction.tid();
    given = transaction;
    return transaction;
  }

  /**
   * The data records of the transaction that was given last, to be read independently of this
   * reader; also when it is closed. The caller closes it.
   *
   * @throws StorageException if none was given yet, or the storage is closed
   */
  @Override
  public RecordReader records() {
    TransactionRecord transaction = given;
    if (transaction == null || !generation.enter()) {
      throw new StorageException("there is no transaction whose records could be read");
    }
    return new RecordReader(
        generation, transaction.again(new RecordWindow(generation.file(), RecordWindow.SMALL)));
  }

  /** Lets go of its buffer and of the file, which belongs to the storage. Again is harmless. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      generation.leave();
    }
  }
}
