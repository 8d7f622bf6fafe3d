package dev.zrs.storage;

import dev.zrs.pickle.RecordPickles;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The records that a pack leaves out: counts them by class, and lists their blobs. One thread. */
final class RemovedRecords {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final String BLOB = "ZODB.blob.Blob";

  /** So much of the data tells the class of nearly all records. */
  private static final int START = 512;

  /** So much of the data is read if that does not. */
  private static final int MORE = 1 << 20;

  private final DataFile from;
  private final PackKeep keep;
  private final @Nullable RemovedBlobs blobs;
  private final RemovedClasses classes = new RemovedClasses();
  private long count;

  /**
   * @param blobs is told of blobs that go; null where there are none
   */
  RemovedRecords(DataFile from, PackKeep keep, @Nullable RemovedBlobs blobs) {
    this.from = from;
    this.keep = keep;
    this.blobs = blobs;
  }

  /** How many there are. */
  long count() {
    return count;
  }

  /** The classes that had the most bytes. */
  List<PackReport.RemovedClass> largest() {
    return classes.largest(PackReport.MAX_CLASSES);
  }

  /**
   * Notes one.
   *
   * @param window has the part of the file where the record stands
   */
  void add(DataHeader record, RecordWindow window) throws IOException {
    count++;
    if (!record.hasBackPointer()) {
      String className = classOf(record, window);
      classes.add(className, record.length());
      addBlob(record, record, className);
      return;
    }
    DataHeader origin = blobs == null ? null : origin(record);
    classes.add(RemovedClasses.UNKNOWN, record.length());
    if (origin != null) {
      addBlob(record, origin, RemovedClasses.UNKNOWN);
    }
  }

  private @Nullable DataHeader origin(DataHeader record) {
    try {
      return from.origin(from.backPointer(record), record.oid().value());
    } catch (CorruptDataException e) {
      LOG.warn(
          "{}: what the record of oid {} (serial {}) at position {}, which the pack removes, points"
              + " back to is damaged; if it is a blob, its file stays: {}",
          from.path(),
          record.oid(),
          record.tid(),
          record.position(),
          e.getMessage());
      return null;
    }
  }

  private String classOf(DataHeader record, RecordWindow window) {
    int length = (int) Math.min(START, record.dataLength());
    int offset = window.require(record.dataPosition(), length);
    if (offset < 0) {
      throw from.damaged(record, "the file ends within the record");
    }
    String name = classes.nameOf(window.buffer(), offset, length);
    if (name.equals(RemovedClasses.UNKNOWN) && record.dataLength() > START) {
      byte[] more = from.read(record.dataPosition(), (int) Math.min(MORE, record.dataLength()));
      name = classes.nameOf(more, 0, more.length);
    }
    return name;
  }

  private void addBlob(DataHeader record, DataHeader origin, String className) throws IOException {
    boolean maybe = className.equals(BLOB) || className.equals(RemovedClasses.UNKNOWN);
    // Clients send a blob's record twice, so the revision may be kept although this record is not.
    if (blobs != null
        && maybe
        && RecordPickles.isBlob(from.data(origin))
        && !keep.keepsRevision(record, from)) {
      blobs.add(record.oid(), record.tid());
    }
  }
}
