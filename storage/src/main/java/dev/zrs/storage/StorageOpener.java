package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the files of a storage and brings them to a state in which they can be written. */
final class StorageOpener {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");

  /** How many of the last records the saved index must know. */
  private static final int RECORDS_CHECKED = 5;

  private static final Duration FAR_FUTURE = Duration.ofMinutes(30);

  private final StorageOptions options;
  private final Disk disk;
  private final InstantSource clock;
  private final @Nullable Storage base;

  StorageOpener(StorageOptions options, Disk disk, InstantSource clock, @Nullable Storage base) {
    this.options = options;
    this.disk = disk;
    this.clock = clock;
    this.base = base;
  }

  FileStorage open() {
    Path path = options.file();
    Optional<Disk.Lock> lock =
        options.readOnly()
            ? Optional.empty()
            : Optional.of(disk.lock(Paths.withSuffix(path, ".lock")));
    DataFile file = null;
    boolean open = false;
    try {
      if (options.create()) {
        removeAll(path);
      }
      file = new DataFile(path, openOrCreate(path));
      CatchUpMarker marker = new CatchUpMarker(disk, path);
      Optional<BlobDirectory> blobs = options.blobDirectory().map(this::openBlobs);
      FileStorage.OpenedFiles files =
          readIndexAndFile(file, marker, lock, blobs.filter(BlobDirectory::isWritable));
      warnOfFuture(files.lastTid());
      FileStorage storage = new FileStorage(options, files, blobs, marker, disk, clock, base);
      open = true;
      return storage;
    } catch (IOException e) {
      throw new StorageIoException("opening", path, e);
    } finally {
      if (!open) {
        closeQuietly(file);
        lock.ifPresent(Disk.Lock::close);
      }
    }
  }

  private BlobDirectory openBlobs(Path base) {
    if (options.readOnly()) {
      return BlobDirectory.open(disk, base, BlobAccess.READ_ONLY);
    }
    if (options.blobAccess() == BlobAccess.READ_ONLY) {
      if (!disk.exists(base)) {
        throw new StorageException(
            ("the blob directory %s does not exist, and is not made, as another server keeps it: is"
                    + " the volume mounted?")
                .formatted(base));
      }
      LOG.info("{} is kept by another server: nothing is written or removed there", base);
      if (!disk.exists(base.resolve(BlobLayout.MARKER))) {
        LOG.warn("{} has no {}: is the volume mounted?", base, BlobLayout.MARKER);
      }
    }
    return BlobDirectory.open(disk, base, options.blobAccess());
  }

  private void removeAll(Path path) throws IOException {
    if (!disk.exists(path)) {
      return;
    }
    LOG.warn("{} and its blobs are removed, because the storage is to be created anew", path);
    disk.delete(Paths.withSuffix(path, ".index"), "remove index to create anew");
    disk.delete(TidFile.packTimePath(path), "remove pack time to create anew");
    Optional<Path> blobs = options.blobDirectory();
    if (blobs.isPresent() && options.blobAccess() == BlobAccess.READ_WRITE) {
      removeTree(blobs.get());
    }
    disk.delete(path, "remove data file to create anew");
    disk.syncDirectory(Paths.directoryOf(path), "sync removal to create anew");
  }

  private void removeTree(Path file) throws IOException {
    if (disk.isDirectory(file)) {
      for (Path entry : disk.list(file)) {
        removeTree(entry);
      }
    }
    disk.delete(file, "remove blobs to create anew");
  }

  private static void closeQuietly(@Nullable DataFile file) {
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      LOG.warn("closing {} failed: {}", file.path(), e.toString());
    }
  }

  private DiskFile openOrCreate(Path path) throws IOException {
    if (!disk.exists(path)) {
      if (options.readOnly()) {
        throw new StorageException(path + " does not exist, and a read-only storage makes no file");
      }
      if (!options.create()) {
        refuseHalfPacked(path);
      }
    }
    if (options.readOnly()) {
      return disk.open(path, Disk.Mode.READ, "open data file");
    }
    boolean isNew = !disk.exists(path);
    DiskFile file =
        disk.open(path, isNew ? Disk.Mode.CREATE : Disk.Mode.READ_WRITE, "open data file");
    boolean complete = false;
    try {
      if (isUnborn(file)) {
        file.write(ByteBuffer.wrap(DataFile.MAGIC), 0, "write data file's magic");
        file.sync("sync new data file");
      }
      // Also if it was there: whoever made it, or a pack that gave it its name, may have been
      // stopped before the name was durable.
      disk.syncDirectory(Paths.directoryOf(path), "sync data file's directory");
      complete = true;
      return file;
    } finally {
      if (!complete) {
        file.close();
      }
    }
  }

  /** Whether there is less than the magic, because the file was being created when a crash came. */
  private static boolean isUnborn(DiskFile file) throws IOException {
    long size = file.size();
    if (size > DataFile.MAGIC.length) {
      return false;
    }
    ByteBuffer bytes = ByteBuffer.allocate(DataFile.MAGIC.length);
    file.read(bytes, 0);
    for (int i = 0; i < DataFile.MAGIC.length; i++) {
      byte present = bytes.get(i);
      if (present != 0 && present != DataFile.MAGIC[i]) {
        return false;
      }
    }
    return !Arrays.equals(bytes.array(), DataFile.MAGIC);
  }

  /** Pack renames twice; a crash between must not be answered with an empty database. */
  private void refuseHalfPacked(Path path) {
    for (String suffix : new String[] {".pack", ".old"}) {
      Path other = Paths.withSuffix(path, suffix);
      if (disk.exists(other)) {
        throw new StorageException(
            ("%s does not exist, but %s does: a pack was interrupted. Rename the right one to %s"
                    + " (.pack if it is complete, else .old), or move both away to begin with an"
                    + " empty database")
                .formatted(path, other, path.getFileName()));
      }
    }
  }

  /**
   * After a crash: a packed file that has not taken its place is of no use, nor is the list of
   * blobs that it makes needless; without such a file the list is good, and those blobs must go.
   */
  private void endInterruptedPack(DataFile file, Optional<BlobDirectory> blobs) throws IOException {
    Path path = file.path();
    Path packed = Paths.withSuffix(path, ".pack");
    if (disk.exists(packed)) {
      LOG.warn("{} is left of a pack that was interrupted, and is removed", packed);
      if (blobs.isPresent()) {
        RemovedBlobs.discard(disk, blobs.get());
      }
      disk.delete(packed, "remove packed file");
    } else if (blobs.isPresent() && RemovedBlobs.isListed(disk, blobs.get())) {
      if (!RemovedBlobs.isListedFor(disk, blobs.get(), file)) {
        LOG.warn(
            "{}: blobs were to be removed after a pack of another file than {}; they stay",
            blobs.get().base(),
            path);
        RemovedBlobs.discard(disk, blobs.get());
        return;
      }
      LOG.info("{}: removing the blobs that an interrupted pack has made needless", path);
      blobs.get().removePacked(options.packKeepsOld());
    }
  }

  private FileStorage.OpenedFiles readIndexAndFile(
      DataFile file, CatchUpMarker marker, Optional<Disk.Lock> lock, Optional<BlobDirectory> blobs)
      throws IOException {
    if (file.size() > 0) {
      byte[] magic = new byte[DataFile.START];
      file.readUpTo(0, magic, 0, magic.length);
      if (!Arrays.equals(magic, DataFile.MAGIC)) {
        throw new CorruptDataException(
            file.path(),
            0,
            "the file does not begin with FS30: it is no FileStorage file of Python 3 (one of Python 2, FS21, must be converted first)");
      }
    }
    if (!options.readOnly()) {
      endInterruptedPack(file, blobs);
    }
    IndexFile indexFile = new IndexFile(disk, file.path());
    CheckedPart checked = new CheckedPart(disk, file.path());
    Start start = startFromIndex(file, indexFile, checked);
    long batch = marker.read();
    FileScan scan =
        new FileScan(
            file, start.index(), start.position(), start.lastTid(), batch, options.follower());
    scan.run();
    TidFile lastCut = TidFile.lastCut(disk, file.path());
    if (!options.readOnly()) {
      if (scan.hasTail()) {
        new TailCut(disk, file, scan, options.follower(), lastCut).cut(blobs);
      } else {
        // A process that was killed may have written what the disk does not have yet; from now on
        // it is visible.
        file.file().sync("sync data file at start");
      }
      marker.clear();
      if (options.follower()) {
        checked.record(file, scan.end());
      }
    }
    start.index().compact();
    FileGeneration generation = new FileGeneration(file, start.index(), scan.end());
    if (!options.readOnly() && !start.fromIndex()) {
      indexFile.save(generation);
    }
    return new FileStorage.OpenedFiles(generation, indexFile, scan.lastTid(), lastCut.tid(), lock);
  }

  /** From where the file has to be scanned. */
  private record Start(ObjectIndex index, long position, Tid lastTid, boolean fromIndex) {}

  private Start startFromIndex(DataFile file, IndexFile indexFile, CheckedPart checked) {
    try {
      IndexFile.Loaded loaded = indexFile.load();
      if (loaded != null) {
        Tid lastTid = lastTidIfSane(file, loaded);
        if (lastTid != null && options.follower() && !checked.isWhole(file, loaded.position())) {
          LOG.warn(
              "Ignoring index for {}: it was copied while the file was in use, and an unfinished"
                  + " transaction stands before its end",
              file.path());
        } else if (lastTid != null) {
          return new Start(loaded.index(), loaded.position(), lastTid, true);
        }
        // That of an empty file says nothing, and is not worth a word.
        if (lastTid == null && loaded.position() > DataFile.START) {
          LOG.warn("Ignoring index for {}: it does not fit the file", file.path());
        }
      }
    } catch (StorageException e) {
      LOG.warn("Ignoring index for {}: {}", file.path(), e.getMessage());
    }
    return new Start(new ObjectIndex(), DataFile.START, Tid.NONE, false);
  }

  /** Checks the index against the last records before its position, as ZODB does. */
  private static @Nullable Tid lastTidIfSane(DataFile file, IndexFile.Loaded loaded) {
    long position = loaded.position();
    if (position < IndexFile.MIN_INDEXED || position > file.size()) {
      return null;
    }
    TransactionSearch search = new TransactionSearch(file, position);
    Tid lastTid = null;
    int checked = 0;
    while (checked < RECORDS_CHECKED && position > DataFile.START) {
      TransactionHeader header = search.before(position);
      if (lastTid == null) {
        lastTid = header.tid();
      }
      if (!header.hasKnownStatus() || header.length() < header.headerLength()) {
        return null;
      }
      if (header.status() != TransactionHeader.STATUS_UNDONE) {
        int sane = checkRecords(file, loaded, header, RECORDS_CHECKED - checked);
        if (sane < 0) {
          return null;
        }
        checked += sane;
      }
      position = header.position();
    }
    return lastTid;
  }

  /** How many records were found where the index has them, or later; -1 if one was not. */
  private static int checkRecords(
      DataFile file, IndexFile.Loaded loaded, TransactionHeader transaction, int most) {
    long position = transaction.position() + transaction.headerLength();
    int checked = 0;
    while (position < transaction.trailerPosition() && checked < most) {
      DataHeader record = DataHeader.parse(file.read(position, DataHeader.LENGTH), 0, position);
      if (record.dataLength() < 0
          || record.length() > transaction.trailerPosition() - position
          || record.transactionPosition() != transaction.position()) {
        return -1;
      }
      long indexed = loaded.index().get(record.oid().value());
      if (indexed < position || indexed >= loaded.position()) {
        return -1;
      }
      if (indexed > position) {
        file.dataHeader(indexed, record.oid().value());
      }
      checked++;
      position += record.length();
    }
    return checked;
  }

  private void warnOfFuture(Tid lastTid) {
    if (lastTid.equals(Tid.NONE)) {
      return;
    }
    Duration ahead = Duration.between(clock.instant(), lastTid.toInstant());
    if (ahead.isPositive()) {
      String text = "{} Database records {} seconds in the future";
      if (ahead.compareTo(FAR_FUTURE) > 0) {
        LOG.error(text, options.file(), ahead.toSeconds());
      } else {
        LOG.warn(text, options.file(), ahead.toSeconds());
      }
    }
  }
}
