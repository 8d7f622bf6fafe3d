package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.storage.Commit;
import dev.zrs.storage.CommitFollower;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Watches that what a secondary shows is always the begin of what its primary has. One thread
 * checks.
 */
final class PrefixCheck {
  /** What a storage has told of, in its order. Any thread may call. */
  static final class Told implements CommitFollower {
    /** Guards {@link #tids}. */
    private final ReentrantLock lock = new ReentrantLock();

    private final List<Tid> tids = new ArrayList<>();

    static Told by(FileStorage storage) {
      Told told = new Told();
      assertThat(storage.feed().follow(told)).isEqualTo(Tid.NONE);
      return told;
    }

    @Override
    public void committed(Commit commit) {
      lock.lock();
      try {
        tids.add(commit.tid());
      } finally {
        lock.unlock();
      }
    }

    List<Tid> tids() {
      lock.lock();
      try {
        return List.copyOf(tids);
      } finally {
        lock.unlock();
      }
    }
  }

  private final String name;
  private final Told primary;
  private final Told secondary;
  private final FileStorage storage;
  private final Replica expected;
  private final Replica actual;
  private final boolean comparesFiles;
  private long compared;

  /**
   * @param name of the secondary, for messages
   * @param storage the secondary's, still empty
   * @param comparesFiles whether nothing is packed, so that the files must be the same
   */
  PrefixCheck(
      String name,
      Told primary,
      FileStorage storage,
      Replica expected,
      Replica actual,
      boolean comparesFiles) {
    this.name = name;
    this.primary = primary;
    this.secondary = Told.by(storage);
    this.storage = storage;
    this.expected = expected;
    this.actual = actual;
    this.comparesFiles = comparesFiles;
  }

  void check() throws IOException {
    // In this order: what the secondary has the primary has told of before.
    long size = storage.size();
    List<Tid> has = secondary.tids();
    List<Tid> all = primary.tids();
    assertThat(has.size()).as(name).isLessThanOrEqualTo(all.size());
    assertThat(has).as(name).isEqualTo(all.subList(0, has.size()));
    if (comparesFiles && size > compared) {
      assertThat(bytes(actual, size)).as(name).isEqualTo(bytes(expected, size));
      compared = size;
    }
  }

  private ByteBuffer bytes(Replica replica, long end) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate((int) (end - compared));
    try (FileChannel file = FileChannel.open(replica.file())) {
      while (bytes.hasRemaining()) {
        assertThat(file.read(bytes, compared + bytes.position())).as(name).isPositive();
      }
    }
    return bytes.flip();
  }
}
