package dev.zrs.storage;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.ReferenceScanner;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/** Reads records and tells what they refer to. For one thread. */
final class RecordReferencesReader {
  private final DataFile file;
  private final UnreadableRecords unreadable;
  private final ReentrantLock largeRecord;
  private final BooleanSupplier stopped;
  private final RecordBuffer buffer;
  private final ReferenceScanner scanner;

  /**
   * @param unreadable is told of records whose references can't be read
   * @param largeRecord is held while the data of a large record are in memory, also of one that is
   *     only large when it is unfolded; references may be told meanwhile
   * @param stopped whether to give up
   */
  RecordReferencesReader(
      DataFile file,
      UnreadableRecords unreadable,
      ReentrantLock largeRecord,
      BooleanSupplier stopped) {
    this.file = file;
    this.unreadable = unreadable;
    this.largeRecord = largeRecord;
    this.stopped = stopped;
    this.buffer = new RecordBuffer(file);
    this.scanner = new ReferenceScanner(largeRecord);
  }

  /**
   * Tells each reference of a record, or of the one it points back to, unless they can't be read,
   * which is noted.
   *
   * @return how long the record is without a back-pointer
   */
  long tell(long position, long oid, LongConsumer reference) {
    DataHeader record = buffer.begin(position, oid);
    if (record.hasBackPointer()) {
      DataHeader origin = file.origin(file.backPointer(record), oid);
      if (origin == null) {
        return record.length();
      }
      record = buffer.begin(origin.position(), oid);
    }
    if (record.dataLength() <= ReferenceScanner.LARGE) {
      complete(record, reference);
    } else {
      largeRecord.lock();
      try {
        Packer.checkStopped(stopped);
        complete(record, reference);
      } finally {
        buffer.release();
        largeRecord.unlock();
      }
    }
    return record.length();
  }

  private void complete(DataHeader record, LongConsumer reference) {
    int offset = buffer.complete(record);
    scan(record, buffer.bytes(), offset, reference);
  }

  /**
   * Tells each reference of a record that is in memory, unless they can't be read, which is noted.
   *
   * @param offset where its header stands
   */
  void scan(DataHeader record, byte[] bytes, int offset, LongConsumer reference) {
    int from = offset + DataHeader.LENGTH;
    int length = (int) record.dataLength();
    try {
      scanner.scan(bytes, from, length, reference);
    } catch (PickleException e) {
      // To tell its class it is read once more, and maybe unfolded.
      largeRecord.lock();
      try {
        byte[] data = Arrays.copyOfRange(bytes, from, from + length);
        unreadable.add(record, data, String.valueOf(e.getMessage()));
      } finally {
        largeRecord.unlock();
      }
    }
  }
}
