package dev.zrs.replication;

import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** The blob files that secondaries needed and that were not there. Any thread may call. */
public final class MissingBlobs {
  /** How many are listed; all are counted. */
  public static final int MAX_LISTED = 100;

  /** A blob without its file. */
  public record MissingBlob(Oid oid, Tid tid, Path file) {}

  /** Guards both fields. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Map<Path, MissingBlob> listed = new LinkedHashMap<>();
  private long count;

  MissingBlobs() {}

  void add(MissingBlob blob) {
    lock.lock();
    try {
      count++;
      if (listed.size() < MAX_LISTED) {
        listed.putIfAbsent(blob.file(), blob);
      }
    } finally {
      lock.unlock();
    }
  }

  /** How often one was missing; once for each secondary that needed it. */
  public long count() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** The first ones, each once. */
  public List<MissingBlob> listed() {
    lock.lock();
    try {
      return List.copyOf(listed.values());
    } finally {
      lock.unlock();
    }
  }
}
