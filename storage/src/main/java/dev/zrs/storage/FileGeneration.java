package dev.zrs.storage;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One data file with its index, as readers see them. A pack makes a new one; those who read the old
 * one finish with it, so everybody enters it before and leaves it after. Any thread may call.
 */
final class FileGeneration {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  private final DataFile file;
  private final ObjectIndex index;

  /** The storage itself and all who are in; the last to leave closes the file. */
  private final AtomicInteger users = new AtomicInteger(1);

  /** Written by the sync thread only: everything in the index ends at or before it. */
  private volatile long visibleEnd;

  FileGeneration(DataFile file, ObjectIndex index, long visibleEnd) {
    this.file = file;
    this.index = index;
    this.visibleEnd = visibleEnd;
  }

  DataFile file() {
    return file;
  }

  ObjectIndex index() {
    return index;
  }

  /** Where the last transaction ends that readers may see. */
  long visibleEnd() {
    return visibleEnd;
  }

  /** Lets readers see a transaction whose objects are in the index now. */
  void setVisibleEnd(long end) {
    visibleEnd = end;
  }

  /** Keeps the file open until {@link #leave}; false if it is closed, or about to be. */
  boolean enter() {
    int now = users.get();
    while (now > 0) {
      if (users.compareAndSet(now, now + 1)) {
        return true;
      }
      now = users.get();
    }
    return false;
  }

  void leave() {
    if (users.decrementAndGet() == 0) {
      try {
        file.close();
      } catch (IOException e) {
        LOG.warn("closing {} failed: {}", file.path(), e.toString());
      }
    }
  }

  /** See {@link FileStorage#loadBefore}. */
  @Nullable Revision loadBefore(Oid oid, Tid before) {
    DataFile.LoadedRecord record = file.load(position(oid), oid.value());
    Tid end = null;
    while (record.header().tid().compareTo(before) >= 0) {
      end = record.header().tid();
      long previous = file.previous(record.header());
      if (previous == 0) {
        return null;
      }
      record = file.load(previous, oid.value());
    }
    byte[] data = record.data();
    if (data == null) {
      throw new NoSuchObjectException(oid, "creation undone or object deleted");
    }
    return new Revision(data, record.header().tid(), end);
  }

  /** See {@link FileStorage#loadSerial}. */
  byte[] loadSerial(Oid oid, Tid serial) {
    long position = position(oid);
    while (position != 0) {
      DataHeader header = file.dataHeader(position, oid.value());
      if (header.tid().equals(serial)) {
        byte[] data = file.load(position, oid.value()).data();
        if (data == null) {
          break;
        }
        return data;
      }
      position = header.tid().compareTo(serial) < 0 ? 0 : file.previous(header);
    }
    throw new NoSuchObjectException(oid, "no revision " + serial);
  }

  /** See {@link FileStorage#currentSerial}. */
  Tid currentSerial(Oid oid) {
    DataHeader header = file.dataHeader(position(oid), oid.value());
    if (file.isDeletion(header)) {
      throw new NoSuchObjectException(oid, "creation undone or object deleted");
    }
    return header.tid();
  }

  /** See {@link FileStorage#firstSerial}. */
  Tid firstSerial(Oid oid) {
    DataHeader header = file.dataHeader(position(oid), oid.value());
    long previous = file.previous(header);
    while (previous != 0) {
      header = file.dataHeader(previous, oid.value());
      previous = file.previous(header);
    }
    return header.tid();
  }

  /** See {@link FileStorage#history}. */
  List<HistoryEntry> history(Oid oid, int size) {
    List<HistoryEntry> entries = new ArrayList<>();
    long position = position(oid);
    while (position != 0 && entries.size() < size) {
      DataHeader record = file.dataHeader(position, oid.value());
      entries.add(new HistoryEntry(record.tid(), metadata(record), record.dataLength()));
      position = file.previous(record);
    }
    return entries;
  }

  private TransactionMetadata metadata(DataHeader record) {
    long position = record.transactionPosition();
    if (position < DataFile.START || position >= record.position()) {
      throw file.damaged(record, "its transaction record at " + position);
    }
    return file.metadata(file.transactionHeader(position));
  }

  /** See {@link FileStorage#recordFrom}. */
  @Nullable CurrentRecord recordFrom(Oid first) {
    OptionalLong found = index.ceiling(first.value());
    if (found.isEmpty()) {
      return null;
    }
    long value = found.getAsLong();
    Oid oid = new Oid(value);
    DataFile.LoadedRecord record = file.load(position(oid), value);
    byte[] data = record.data();
    if (data == null) {
      throw new NoSuchObjectException(oid, "creation undone or object deleted");
    }
    OptionalLong next = value == -1 ? OptionalLong.empty() : index.ceiling(value + 1);
    return new CurrentRecord(
        oid, record.header().tid(), data, next.isPresent() ? new Oid(next.getAsLong()) : null);
  }

  private long position(Oid oid) {
    long position = index.get(oid.value());
    if (position == 0) {
      throw new NoSuchObjectException(oid, "no such object");
    }
    return position;
  }
}
