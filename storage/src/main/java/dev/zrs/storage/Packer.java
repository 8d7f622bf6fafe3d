package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Packs a storage while it is in use: writes a new file beside the old one and has it take its
 * place. The commit lock is held only while the last few transactions are copied. For one thread,
 * once.
 *
 * <p>At any moment the name {@code Data.fs} stands for a whole file: the old one until the rename,
 * the new one after it. Before the rename the new file is synced, and the saved index, which
 * belongs to the old one, is gone.
 */
final class Packer {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** So little may be left to be copied when the commit lock is taken. */
  private static final long LAST_STRETCH = 1 << 20;

  /** How often to try to come that near to the end, while others commit. */
  private static final int MAX_ROUNDS = 20;

  /** What the storage does for its pack. */
  interface Host {
    /**
     * Makes sure that nothing is pending and that no later transaction points back to what stands
     * now.
     *
     * @return where the last transaction ends
     */
    long begin();

    /** Ends what {@link #begin} began, if the file was not replaced. */
    void abandon();

    /** Whether the storage was closed or can't be written any more. */
    boolean isStopped();

    /**
     * Runs the last stretch while nobody commits and nothing is pending, then reads and writes in
     * the file that it gives.
     */
    void replace(LastStretch stretch) throws IOException;

    /**
     * Writes down that the file is about to be replaced.
     *
     * @param lastPacked the last transaction up to the pack time
     */
    void takesPlace(Tid lastPacked) throws IOException;

    /** Saves the index while nobody else does. */
    void withoutIndex(Runnable swap);
  }

  /** The end of the copying, under the commit lock. */
  interface LastStretch {
    /**
     * Copies the rest and gives the new file its name.
     *
     * @param last the last transaction
     * @return the new file
     */
    FileGeneration finish(Tid last) throws IOException;
  }

  private final Disk disk;
  private final FileGeneration old;
  private final DataFile from;
  private final Optional<BlobDirectory> blobs;
  private final PackOptions options;
  private final Host host;
  private final BooleanSupplier stopped;
  private final Path target;
  private final Path oldFile;
  private boolean renamed;

  /**
   * @param old the present file, entered by the caller
   */
  Packer(
      Disk disk,
      FileGeneration old,
      Optional<BlobDirectory> blobs,
      PackOptions options,
      Host host) {
    this.disk = disk;
    this.old = old;
    this.from = old.file();
    this.blobs = blobs;
    this.options = options;
    this.host = host;
    this.stopped = host::isStopped;
    this.target = Paths.withSuffix(from.path(), ".pack");
    this.oldFile = Paths.withSuffix(from.path(), ".old");
  }

  /** Ends a pack that shall not go on. */
  static void checkStopped(BooleanSupplier stopped) {
    if (stopped.getAsBoolean()) {
      throw new StorageException("the pack was stopped, and has changed nothing");
    }
  }

  PackReport pack(PackProgress progress) {
    try {
      removeOld();
      long end = host.begin();
      try {
        return pack(end, progress);
      } finally {
        if (!renamed) {
          host.abandon();
        }
      }
    } catch (IOException e) {
      throw new StorageIoException("packing", from.path(), e);
    }
  }

  private PackReport pack(long end, PackProgress progress) throws IOException {
    PackScan scan = new PackScan(from, end, options.packTime(), stopped);
    scan.run(progress);
    if (scan.isRedundant() || scan.packPosition() == DataFile.START) {
      LOG.info("{}: nothing to pack", from.path());
      return PackReport.unchanged(end);
    }
    boolean partial = endsInPacked(end);
    boolean collects = options.collectGarbage() && (!partial || options.garbageAnyway());
    PackKeep keep = new PackKeep(scan.current());
    PackMarker marker = new PackMarker(from, keep, collects, stopped);
    marker.markFromRoot(progress);
    marker.markFromYounger(scan.packPosition(), end, scan.packPosition(), progress);
    boolean removesGarbage = collects && (marker.unreadableCount() == 0 || options.garbageAnyway());
    if (removesGarbage) {
      keep.keepOnlyMarked();
    }
    PackCopier copier = copy(scan, end, keep, removesGarbage, progress);
    if (copier != null && blobs.isPresent()) {
      blobs.get().removePacked(options.keepOld());
    }
    boolean unknown = options.collectGarbage() && !collects;
    return report(end, copier, keep, marker, collects, removesGarbage, unknown);
  }

  /**
   * Whether the last transaction was packed elsewhere, before it came here: one that was packed
   * here leaves nothing to do. Then this is the copy of a packed file, maybe not all of it; and
   * there an object may come long before the record that refers to it, as that was changed later.
   */
  private boolean endsInPacked(long end) {
    return new TransactionSearch(from, end).before(end).status() == TransactionHeader.STATUS_PACKED;
  }

  private PackReport report(
      long sizeBefore,
      @Nullable PackCopier copier,
      PackKeep keep,
      PackMarker marker,
      boolean collects,
      boolean removesGarbage,
      boolean garbageUnknown) {
    return new PackReport(
        copier != null,
        sizeBefore,
        copier == null ? sizeBefore : copier.end(),
        copier == null ? 0 : copier.removedRecords(),
        collects ? keep.unmarked() : 0,
        collects && !removesGarbage,
        garbageUnknown,
        marker.unreadable(),
        marker.unreadableCount(),
        marker.danglingReferences());
  }

  /** As Python does, before anything else: what an earlier pack kept makes room for this one. */
  private void removeOld() throws IOException {
    disk.delete(oldFile, "remove old file of an earlier pack");
    if (blobs.isPresent()) {
      blobs.get().removeOld();
    }
  }

  /**
   * Writes the new file and puts it in the place of the old one.
   *
   * @return null if the new file would be the same
   */
  private @Nullable PackCopier copy(
      PackScan scan, long end, PackKeep keep, boolean removesGarbage, PackProgress progress)
      throws IOException {
    DiskFile file = disk.open(target, Disk.Mode.REPLACE, "create packed file");
    try {
      disk.syncDirectory(Paths.directoryOf(target), "sync packed file's directory");
      PackCopier copier = fill(file, scan, end, keep, removesGarbage, progress);
      if (copier != null) {
        host.takesPlace(scan.lastPacked());
        replace(copier, file, progress);
      }
      return copier;
    } finally {
      if (!renamed) {
        file.close();
        cleanUp();
      }
    }
  }

  private @Nullable PackCopier fill(
      DiskFile file,
      PackScan scan,
      long end,
      PackKeep keep,
      boolean removesGarbage,
      PackProgress progress)
      throws IOException {
    RemovedBlobs removed = blobs.isPresent() ? RemovedBlobs.begin(disk, blobs.get()) : null;
    try {
      PackCopier copier = new PackCopier(from, file, keep, removed, removesGarbage, stopped);
      copier.copyPacked(scan.packPosition(), progress);
      long packedEnd = copier.end();
      if (packedEnd == scan.packPosition()) {
        LOG.info("{}: there is nothing to remove", from.path());
        return null;
      }
      copier.copyYounger(end, false, progress);
      catchUp(copier, file, progress);
      if (removed != null) {
        removed.sync(packedEnd, scan.lastPacked());
      }
      return copier;
    } finally {
      if (removed != null) {
        removed.close();
      }
    }
  }

  /** Copies what is committed meanwhile, until it is little. */
  private void catchUp(PackCopier copier, DiskFile file, PackProgress progress) throws IOException {
    int round = 0;
    do {
      copier.copyYounger(old.visibleEnd(), true, progress);
      copier.flush();
      file.sync("sync packed file");
      round++;
    } while (old.visibleEnd() - copier.position() > LAST_STRETCH && round < MAX_ROUNDS);
  }

  private void replace(PackCopier copier, DiskFile file, PackProgress progress) {
    if (options.keepOld()) {
      keepOld();
    }
    host.withoutIndex(
        () -> {
          try {
            host.replace(
                last -> {
                  copier.copyYounger(old.visibleEnd(), true, progress);
                  copier.finish(last, lastMetadata());
                  file.sync("sync packed file");
                  disk.rename(target, from.path(), "put packed file in place");
                  renamed = true;
                  return new FileGeneration(
                      new DataFile(from.path(), file), copier.index(), copier.end());
                });
          } catch (IOException e) {
            throw new StorageIoException("packing", from.path(), e);
          }
        });
  }

  private TransactionMetadata lastMetadata() {
    return from.metadata(new TransactionSearch(from, old.visibleEnd()).before(old.visibleEnd()));
  }

  private void keepOld() {
    try {
      try {
        disk.link(from.path(), oldFile, "keep old file");
      } catch (UnsupportedOperationException e) {
        LOG.warn(
            "{}: the file system has no hard links, so that the old file can't be kept as {}",
            from.path(),
            oldFile);
        return;
      }
      disk.syncDirectory(Paths.directoryOf(oldFile), "sync old file's directory");
    } catch (IOException e) {
      throw new StorageIoException("keeping", oldFile, e);
    }
  }

  /** After a failure: first the list of blobs, as it is believed once there is no packed file. */
  private void cleanUp() {
    try {
      if (blobs.isPresent()) {
        RemovedBlobs.discard(disk, blobs.get());
      }
      disk.delete(target, "remove packed file");
      disk.delete(oldFile, "remove second name of the data file");
    } catch (IOException e) {
      LOG.warn("{}: cleaning up after a pack that failed: {}", from.path(), e.toString());
    }
  }
}
