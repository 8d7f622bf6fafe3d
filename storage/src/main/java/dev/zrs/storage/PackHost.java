package dev.zrs.storage;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a storage does for a pack of its file. For the thread that packs, but for {@link #stop} and
 * {@link #isStopped}.
 */
final class PackHost implements Packable {
  private final StorageOptions options;
  private final PresentFile present;
  private final CommitPath commits;
  private final IndexSaver indexSaver;
  private final Disk disk;
  private final TidFile packTime;

  /** What it waits with for the commit lock, so that a stop can end the wait. */
  private volatile CommitLock.@Nullable Claim waiting;

  private long acquired;
  private long longestStop;

  PackHost(
      StorageOptions options,
      PresentFile present,
      CommitPath commits,
      IndexSaver indexSaver,
      Disk disk,
      TidFile packTime) {
    this.options = options;
    this.present = present;
    this.commits = commits;
    this.indexSaver = indexSaver;
    this.disk = disk;
    this.packTime = packTime;
  }

  /** Ends its wait for the commit lock, after the storage was marked as closed. Any thread. */
  void stop() {
    CommitLock.Claim claim = waiting;
    if (claim != null) {
      claim.cancel();
    }
  }

  /** Lets the lock go, and remembers how long nobody else could have it. */
  private void release(CommitLock.Claim claim) {
    claim.release();
    longestStop = Math.max(longestStop, System.nanoTime() - acquired);
  }

  private CommitLock.Claim acquire() {
    CommitLock.Claim claim = commits.lock().claim("pack");
    waiting = claim;
    // Whoever closes does it in the other order, and then looks for a claim to cancel.
    commits.requireWritable();
    claim.acquire();
    acquired = System.nanoTime();
    return claim;
  }

  @Override
  public long begin() {
    longestStop = 0;
    CommitLock.Claim claim = acquire();
    try {
      commits.requireWritable();
      commits.awaitPending();
      commits.appender().setBackPointerFloor(commits.appender().end());
      return commits.appender().end();
    } finally {
      release(claim);
    }
  }

  @Override
  public void abandon() {
    if (isStopped()) {
      // Nobody will append any more.
      return;
    }
    CommitLock.Claim claim = acquire();
    try {
      commits.appender().setBackPointerFloor(0);
    } finally {
      release(claim);
    }
  }

  @Override
  public Duration longestStop() {
    return Duration.ofNanos(longestStop);
  }

  @Override
  public boolean isStopped() {
    return present.isClosed() || commits.failure().isPresent();
  }

  @Override
  public boolean replace(LastStretch stretch) throws IOException {
    CommitLock.Claim claim = acquire();
    try {
      commits.requireWritable();
      commits.awaitPending();
      if (!stretch.isShort()) {
        return false;
      }
      commits.forgetCatchUp();
      FileGeneration packed = stretch.finish(present.lastTransaction());
      // From here on the file that has the name is the new one, whatever else happens.
      commits.appender().moveTo(packed);
      present.replace(packed);
      try {
        disk.syncDirectory(Paths.directoryOf(options.file()), "sync packed file's name");
      } catch (IOException e) {
        // A crash might bring the old file back, without what is committed from now on.
        throw commits.fail(new StorageIoException("naming the packed file", options.file(), e));
      }
      return true;
    } finally {
      release(claim);
    }
  }

  @Override
  public void takesPlace(Tid lastPacked) throws IOException {
    packTime.record(lastPacked);
  }

  @Override
  public void withoutIndex(Runnable swap) {
    indexSaver.replace(swap);
  }
}
