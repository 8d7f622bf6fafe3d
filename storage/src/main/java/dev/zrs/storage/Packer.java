package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
  private static final long LAST_STRETCH = 64 << 10;

  /** How often to try to come that near to the end, while others commit. */
  private static final int MAX_ROUNDS = 20;

  /** How often to let go of the commit lock because much was committed while it was waited for. */
  private static final int MAX_ATTEMPTS = 5;

  /** Room for what is not counted: lists of blobs, what is committed meanwhile. */
  private static final long SPARE_ROOM = 1 << 20;

  /** Bytes of the saved index for an object, at most. */
  private static final long SAVED_INDEX_ENTRY = 16;

  private final Disk disk;
  private final FileGeneration old;
  private final DataFile from;
  private final Optional<BlobDirectory> blobs;
  private final PackOptions options;
  private final Packable host;
  private final BooleanSupplier stopped;
  private final PackRate rate;
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
      Packable host) {
    this.disk = disk;
    this.old = old;
    this.blobs = blobs;
    this.options = options;
    this.host = host;
    this.stopped = host::isStopped;
    this.rate = new PackRate(options.rate(), stopped);
    this.from = new DataFile(old.file().path(), rate.limit(old.file().file()));
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
    PackMarker marked;
    int threads = Runtime.getRuntime().availableProcessors();
    try (PackMarker marker = new PackMarker(from, keep, collects, threads, rate, stopped)) {
      marker.markFromRoot(progress);
      marker.markFromYounger(scan.packPosition(), end, scan.packPosition(), progress);
      marked = marker;
    }
    marked.unreadable().log(from.path());
    boolean removesGarbage =
        collects && (marked.unreadable().count() == 0 || options.garbageAnyway());
    if (removesGarbage) {
      keep.keepOnlyMarked();
    }
    requireRoom(
        removesGarbage
            ? scan.overhead() + marked.markedBytes() + keep.targetBytes()
            : scan.packPosition() + scan.expanded(),
        end - scan.packPosition(),
        keep.objects());
    PackCopier copier = copy(scan, end, keep, removesGarbage, progress);
    if (copier != null && blobs.isPresent()) {
      blobs.get().removePacked(options.keepOld());
    }
    boolean unknown = options.collectGarbage() && !collects;
    return report(end, copier, keep, marked, collects, removesGarbage, unknown);
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
        copier == null ? 0 : copier.removed().count(),
        collects ? keep.unmarked() : 0,
        collects && !removesGarbage,
        garbageUnknown,
        marker.unreadable().named(),
        marker.unreadable().count(),
        marker.danglingReferences(),
        copier == null ? List.of() : copier.removed().largest(),
        host.longestStop());
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
      RemovedRecords records = new RemovedRecords(from, keep, removed);
      PackCopier copier =
          new PackCopier(from, rate.limit(file), keep, records, removesGarbage, stopped);
      copier.copyPacked(scan.packPosition(), progress);
      long packedEnd = copier.end();
      if (packedEnd == scan.packPosition()) {
        LOG.info("{}: there is nothing to remove", from.path());
        return null;
      }
      copier.copyYounger(end, false, progress);
      copier.index().compact();
      catchUp(copier, progress);
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

  /** Refuses a pack for which there is no room; before anything is written. */
  private void requireRoom(long packed, long younger, long objects) throws IOException {
    long needed = packed + younger + objects * SAVED_INDEX_ENTRY + SPARE_ROOM;
    long free = disk.freeSpace(Paths.directoryOf(target));
    if (free < needed) {
      throw new StorageException(
          ("%s: no room for a pack: it needs %d bytes beside the present file, and %d are free in"
                  + " %s; nothing is changed")
              .formatted(from.path(), needed, free, Paths.directoryOf(target)));
    }
    LOG.info(
        "{}: the packed file will have at most {} bytes, and what is committed meanwhile; {} are"
            + " free",
        from.path(),
        packed + younger,
        free);
  }

  /**
   * Copies what is committed meanwhile, until it is little; as fast as it can, or it may not be.
   */
  private void catchUp(PackCopier copier, PackProgress progress) throws IOException {
    rate.turnOff();
    int round = 0;
    do {
      copier.copyYounger(old.visibleEnd(), true, progress);
      copier.sync();
      round++;
    } while (isLong(copier) && round < MAX_ROUNDS);
  }

  private boolean isLong(PackCopier copier) {
    return old.visibleEnd() - copier.position() > LAST_STRETCH;
  }

  private void replace(PackCopier copier, DiskFile file, PackProgress progress) {
    if (options.keepOld()) {
      keepOld();
    }
    host.withoutIndex(
        () -> {
          try {
            int attempt = 0;
            boolean done = false;
            while (!done) {
              // What came since, while the index was waited for, or the lock.
              catchUp(copier, progress);
              attempt++;
              done = host.replace(lastStretch(copier, file, attempt, progress));
            }
          } catch (IOException e) {
            throw new StorageIoException("packing", from.path(), e);
          }
        });
  }

  private Packable.LastStretch lastStretch(
      PackCopier copier, DiskFile file, int attempt, PackProgress progress) {
    return new Packable.LastStretch() {
      @Override
      public boolean isShort() {
        return attempt == MAX_ATTEMPTS || !isLong(copier);
      }

      @Override
      public FileGeneration finish(Tid last) throws IOException {
        copier.copyYounger(old.visibleEnd(), true, progress);
        copier.finish(last, lastMetadata());
        disk.rename(target, from.path(), "put packed file in place");
        renamed = true;
        return new FileGeneration(new DataFile(from.path(), file), copier.index(), copier.end());
      }
    };
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
