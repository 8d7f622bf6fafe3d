package dev.zrs.storage;

import dev.zrs.pickle.RecordPickles;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records whose references a pack can't read: the first ones of the file by name, the others
 * counted. Any thread may call.
 */
final class UnreadableRecords {
  /** So many are known by their positions; of those beyond one may be counted twice. */
  static final int MAX_KNOWN = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** Guards the fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final TreeMap<Long, PackReport.UnreadableRecord> named = new TreeMap<>();
  private final Set<Long> known = new HashSet<>();
  private long count;

  /**
   * Notes one. It may be met twice: as what was current, and as what a younger one points back to.
   *
   * @param data its data, or as much of them as tells the class
   */
  void add(DataHeader record, byte[] data, String reason) {
    String className = Printable.of(RecordPickles.classNameOf(data).orElse(RemovedClasses.UNKNOWN));
    lock.lock();
    try {
      if (known.contains(record.position())) {
        return;
      }
      if (known.size() < MAX_KNOWN) {
        known.add(record.position());
      }
      count++;
      named.put(
          record.position(),
          new PackReport.UnreadableRecord(
              record.oid(), record.tid(), record.position(), className, Printable.of(reason)));
      if (named.size() > PackReport.MAX_NAMED) {
        named.pollLastEntry();
      }
    } finally {
      lock.unlock();
    }
  }

  long count() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** Those that are named, in the order of the file. */
  List<PackReport.UnreadableRecord> named() {
    lock.lock();
    try {
      return List.copyOf(named.values());
    } finally {
      lock.unlock();
    }
  }

  /** Names them in the log. */
  void log(Path file) {
    for (PackReport.UnreadableRecord record : named()) {
      LOG.error(
          "{}: the record of oid {} (class {}, serial {}) at position {} can't be read, so that its"
              + " references are unknown: {}",
          file,
          record.oid(),
          record.className(),
          record.tid(),
          record.position(),
          record.reason());
    }
  }
}
