package dev.zrs.storage;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.ReferenceScanner;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.BooleanSupplier;

/**
 * Writes the packed file. The part before the pack time gets what is kept, without back-pointers
 * and pointers to previous records. Behind it everything is copied with its pointers moved: all of
 * it by the same distance. For one thread.
 */
final class PackCopier {
  private static final int OUTPUT_SIZE = 1 << 20;
  private static final int PIECE = 256 << 10;

  /**
   * After so many bytes the new file is synced: more that is not on the disk yet would hold up the
   * syncs of commits when it is written all at once.
   */
  static final int SYNC_EVERY = 64 << 20;

  private final DataFile from;
  private final DiskFile target;
  private final PackKeep keep;
  private final RemovedRecords removed;
  private final boolean hasGarbage;
  private final BooleanSupplier stopped;
  private final BufferedOutput output;
  private final RecordWindow window;
  private final byte[] piece = new byte[PIECE];
  private final ReferenceScanner scanner = new ReferenceScanner();
  private final ObjectIndex index;
  private long position = DataFile.START;
  private long synced;
  private long packPosition;
  private long distance;
  private Tid lastTid = Tid.NONE;
  private long[] oids = new long[64];
  private long[] positions = new long[64];

  /**
   * @param target an empty file
   * @param removed is told of what goes
   * @param hasGarbage whether objects are left out, which no later transaction may refer to
   * @param stopped whether to give up
   */
  PackCopier(
      DataFile from,
      DiskFile target,
      PackKeep keep,
      RemovedRecords removed,
      boolean hasGarbage,
      BooleanSupplier stopped) {
    this.from = from;
    this.target = target;
    this.keep = keep;
    this.index = keep.index();
    this.removed = removed;
    this.hasGarbage = hasGarbage;
    this.stopped = stopped;
    this.output = new BufferedOutput(target, 0, "write packed file", OUTPUT_SIZE);
    this.window = new RecordWindow(from, RecordWindow.LARGE);
  }

  /** Index of the new file, when {@link #copyPacked} is done. */
  ObjectIndex index() {
    return index;
  }

  /** Where the new file ends so far. */
  long end() {
    return output.position();
  }

  /** Up to where the old file is copied. */
  long position() {
    return position;
  }

  /** What was left out. */
  RemovedRecords removed() {
    return removed;
  }

  /** Copies what is kept of the transactions before {@code packPosition}. */
  void copyPacked(long end, PackProgress progress) throws IOException {
    packPosition = end;
    output.put(DataFile.MAGIC);
    TransactionCursor cursor = new TransactionCursor(from, window, position);
    TransactionRecord transaction = cursor.next(end);
    while (transaction != null) {
      Packer.checkStopped(stopped);
      if (transaction.status() != TransactionHeader.STATUS_UNDONE) {
        copyKept(transaction);
      }
      position = transaction.end();
      progress.progress(PackProgress.Phase.COPY, position, from.size());
      transaction = cursor.next(end);
    }
    distance = packPosition - output.position();
    keep.finishIndex();
  }

  private void copyKept(TransactionRecord transaction) throws IOException {
    long start = 0;
    DataHeader record = transaction.nextHeader();
    while (record != null) {
      if (keep.keeps(record)) {
        if (start == 0) {
          start = output.position();
          putHeader(transaction);
        }
        putPacked(record, start);
      } else {
        removed.add(record, window);
      }
      record = transaction.nextHeader();
    }
    if (start != 0) {
      endTransaction(transaction.tid(), start);
    }
  }

  private void putHeader(TransactionRecord transaction) throws IOException {
    output.put(
        TransactionHeader.format(
            transaction.tid(), 0, TransactionHeader.STATUS_PACKED, transaction.metadata()));
  }

  private void endTransaction(Tid tid, long start) throws IOException {
    long length = output.position() - start;
    output.patchLong(start + TransactionHeader.LENGTH_OFFSET, length);
    output.putLong(length);
    lastTid = tid;
  }

  private void putPacked(DataHeader record, long transaction) throws IOException {
    long oid = record.oid().value();
    DataHeader origin =
        record.hasBackPointer() ? from.origin(from.backPointer(record), oid) : record;
    keep.moved(record, output.position());
    putHeader(record, 0, transaction, origin == null ? 0 : origin.dataLength());
    if (origin == null) {
      output.putLong(0);
    } else {
      putData(origin, origin.position() == record.position());
    }
  }

  private void putHeader(DataHeader record, long previous, long transaction, long length)
      throws IOException {
    syncIfMuch();
    byte[] header = new byte[DataHeader.LENGTH];
    DataHeader.format(header, 0, record.oid(), record.tid(), previous, transaction, length);
    output.put(header);
  }

  /**
   * Puts the data of a record.
   *
   * @param ahead whether it is where the window is; it stays there if not
   */
  private void putData(DataHeader record, boolean ahead) throws IOException {
    long at = record.dataPosition();
    long end = at + record.dataLength();
    while (at < end) {
      int count = (int) Math.min(PIECE, end - at);
      int offset = ahead ? window.require(at, count) : readPiece(at, count);
      if (offset < 0) {
        throw from.damaged(record, "the file ends within the record");
      }
      output.put(ahead ? window.buffer() : piece, offset, count);
      syncIfMuch();
      at += count;
    }
  }

  private int readPiece(long at, int count) {
    return from.readUpTo(at, piece, 0, count) == count ? 0 : -1;
  }

  /**
   * Copies the transactions that end at or before {@code end}, each whole.
   *
   * @throws StorageException if one refers to an object that was left out
   */
  void copyYounger(long end, boolean checkReferences, PackProgress progress) throws IOException {
    window.clear();
    TransactionCursor cursor = new TransactionCursor(from, window, position);
    TransactionRecord transaction = cursor.next(end);
    while (transaction != null) {
      Packer.checkStopped(stopped);
      copyWhole(transaction, checkReferences);
      position = transaction.end();
      lastTid = transaction.tid();
      progress.progress(PackProgress.Phase.COPY, position, end);
      transaction = cursor.next(end);
    }
  }

  private void copyWhole(TransactionRecord transaction, boolean checkReferences)
      throws IOException {
    long start = output.position();
    long length = transaction.end() - transaction.position() - TransactionHeader.TRAILER_LENGTH;
    output.put(
        TransactionHeader.format(
            transaction.tid(), length, transaction.status(), transaction.metadata()));
    int count = 0;
    DataHeader record = transaction.nextHeader();
    while (record != null) {
      if (count == oids.length) {
        oids = Arrays.copyOf(oids, 2 * count);
        positions = Arrays.copyOf(positions, 2 * count);
      }
      oids[count] = record.oid().value();
      positions[count] = output.position();
      count++;
      putWhole(record, start, checkReferences);
      record = transaction.nextHeader();
    }
    output.putLong(length);
    if (transaction.status() != TransactionHeader.STATUS_UNDONE) {
      // Only now: two records of one object in a transaction have the same previous one.
      for (int i = 0; i < count; i++) {
        index.put(oids[i], positions[i]);
      }
    }
  }

  private void putWhole(DataHeader record, long transaction, boolean checkReferences)
      throws IOException {
    putHeader(record, index.get(record.oid().value()), transaction, record.dataLength());
    if (record.hasBackPointer()) {
      output.putLong(movedPointer(record));
      return;
    }
    if (checkReferences && hasGarbage) {
      checkReferences(record);
    }
    putData(record, true);
  }

  private long movedPointer(DataHeader record) {
    long back = from.backPointer(record);
    if (back == 0) {
      return 0;
    }
    long moved = back >= packPosition ? back - distance : keep.newPosition(back);
    if (moved == 0) {
      throw from.damaged(record, "its back-pointer leads to " + back + ", where no record is kept");
    }
    return moved;
  }

  private void checkReferences(DataHeader record) {
    try {
      byte[] data = from.data(record);
      scanner.scan(data, 0, data.length, oid -> requireKept(record, oid));
    } catch (PickleException e) {
      throw new StorageException(
          ("%s: the record of oid %s at position %d, committed while the file was packed, can't be"
                  + " read, and may refer to what would be removed: %s")
              .formatted(
                  from.path(),
                  record.oid(),
                  record.position(),
                  Printable.of(String.valueOf(e.getMessage()))),
          e);
    }
  }

  private void requireKept(DataHeader record, long oid) {
    if (keep.isGarbage(oid) && index.get(oid) == 0) {
      throw new StorageException(
          ("oid %s was garbage when the pack of %s began, and was linked again by oid %s meanwhile;"
                  + " nothing is changed, pack again")
              .formatted(new Oid(oid), from.path(), record.oid()));
    }
  }

  /**
   * Ends the new file and puts it on the disk: its last transaction is the old one's, even if no
   * record of it is kept.
   */
  void finish(Tid last, TransactionMetadata metadata) throws IOException {
    if (!lastTid.equals(last)) {
      long start = output.position();
      output.put(TransactionHeader.format(last, 0, TransactionHeader.STATUS_PACKED, metadata));
      endTransaction(last, start);
    }
    sync();
  }

  private void syncIfMuch() throws IOException {
    if (output.position() - synced >= SYNC_EVERY) {
      sync();
    }
  }

  /** Puts what was copied so far on the disk. */
  void sync() throws IOException {
    output.flush();
    target.sync("sync packed file");
    synced = output.position();
  }
}
