package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory with the contents of blobs, one file for each (oid, serial), laid out as
 * ZODB.blob.FilesystemHelper does: {@code bushy} (a directory for each byte of the oid) or, in old
 * directories, {@code lawn} (one directory for each oid); the file {@code .layout} says which. A
 * committed file is complete, durable and never changes. Any thread may call.
 */
public final class BlobDirectory {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.blob");
  private static final String TEMPORARY_PREFIX = "zrs-";
  private static final String TEMPORARY_SUFFIX = ".tmp";
  private static final String SUFFIX = ".blob";
  private static final String OLD_SUFFIX = ".old";
  private static final int COPY_SIZE = 1 << 20;

  private final Disk disk;
  private final Path base;
  private final BlobLayout layout;
  private volatile BlobAccess access;

  /** Held from making a directory to putting a file into it, and while empty ones are removed. */
  private final ReentrantLock directories = new ReentrantLock();

  private BlobDirectory(Disk disk, Path base, BlobLayout layout, BlobAccess access) {
    this.disk = disk;
    this.base = base;
    this.layout = layout;
    this.access = access;
  }

  /**
   * Opens a blob directory; with write access makes it, its {@code tmp} and its {@code .layout}
   * unless they are there, and removes what a process before has left.
   *
   * @throws StorageException if {@code .layout} names a layout that does not exist
   */
  static BlobDirectory open(Disk disk, Path base, BlobAccess access) {
    try {
      BlobLayout layout = BlobLayout.of(disk, base);
      if (layout == BlobLayout.LAWN) {
        LOG.warn("the lawn layout of {} does not scale; consider to migrate it to bushy", base);
      }
      BlobDirectory blobs = new BlobDirectory(disk, base, layout, access);
      if (blobs.isWritable()) {
        blobs.create();
        blobs.discardTemporaries();
        blobs.syncNames();
      }
      return blobs;
    } catch (IOException e) {
      throw new StorageIoException("opening the blob directory", base, e);
    }
  }

  private static String nameOf(Path file) {
    return Objects.requireNonNull(file.getFileName()).toString();
  }

  private void create() throws IOException {
    createWithParents(base.resolve(BlobLayout.TEMPORARY), true);
    Path marker = base.resolve(BlobLayout.MARKER);
    if (!disk.exists(marker)) {
      // Not in its place before it is whole: an empty marker would name no layout.
      Path temporary = base.resolve(BlobLayout.MARKER + ".tmp");
      try (DiskFile file = disk.open(temporary, Disk.Mode.REPLACE, "create blob layout")) {
        file.write(ByteBuffer.wrap(layout.marker()), 0, "write blob layout");
        file.sync("sync blob layout");
      }
      disk.rename(temporary, marker, "name blob layout");
    }
  }

  /** Also what was there: whoever made it may have been stopped before it was durable. */
  private void syncNames() throws IOException {
    disk.syncDirectory(base, "sync blob directory");
    disk.syncDirectory(Paths.directoryOf(base), "sync blob directory's parent");
  }

  /** Whether the files are the storage's own; else nothing below the directory is changed. */
  public boolean isWritable() {
    return access == BlobAccess.READ_WRITE;
  }

  /**
   * Takes the directory over from the server that kept it, or makes sure that it can be written.
   * What that server had begun in {@code tmp} stays until the next opening, as it may be alive.
   *
   * @throws IOException if it can't be written; it is left as it was then
   */
  void takeOver() throws IOException {
    create();
    syncNames();
    Path probe = createTemporary();
    try (DiskFile file = disk.open(probe, Disk.Mode.CREATE, "try to write a blob")) {
      file.sync("try to write a blob");
    }
    disk.delete(probe, "remove tried blob");
    access = BlobAccess.READ_WRITE;
  }

  /** Leaves the directory to another server. The caller sees to it that nobody writes. */
  void leave() {
    access = BlobAccess.READ_ONLY;
  }

  private void requireWritable() {
    if (!isWritable()) {
      throw new StorageException(
          "%s is kept by another server, and only read here".formatted(base));
    }
  }

  /**
   * Removes what a crash has left of transactions that were being collected. Files of other names
   * may belong to clients that share the directory, and are alive.
   */
  private void discardTemporaries() throws IOException {
    for (Path file : disk.list(base.resolve(BlobLayout.TEMPORARY))) {
      String name = nameOf(file);
      if (name.startsWith(TEMPORARY_PREFIX) && name.endsWith(TEMPORARY_SUFFIX)) {
        discard(file);
      }
    }
  }

  /** Makes a directory with all above it that are missing. */
  private void createWithParents(Path directory, boolean durable) throws IOException {
    Deque<Path> missing = new ArrayDeque<>();
    Path at = directory;
    while (at != null && !disk.exists(at)) {
      missing.push(at);
      at = at.toAbsolutePath().getParent();
    }
    if (durable && at != null && !at.equals(base) && disk.list(at).isEmpty()) {
      // Whoever made it may have been stopped before its name was durable. Nothing is ever put into
      // a directory before that, so one that is not empty needs no sync.
      disk.syncDirectory(Paths.directoryOf(at), "sync blob directory's parent");
    }
    for (Path each : missing) {
      disk.createDirectory(each, "create blob directory");
      if (durable) {
        disk.syncDirectory(Paths.directoryOf(each), "sync blob directory's parent");
      }
    }
  }

  Path base() {
    return base;
  }

  /** A name for a new temporary file on the same file system; the file does not exist yet. */
  public Path createTemporary() {
    return base.resolve(BlobLayout.TEMPORARY)
        .resolve(TEMPORARY_PREFIX + UUID.randomUUID() + TEMPORARY_SUFFIX);
  }

  /** The directory in which clients that share this file system put files for {@code oid}. */
  public Path directoryOf(Oid oid) {
    return base.resolve(layout.path(oid));
  }

  /** Where the content of one revision of a blob is, or would be. */
  public Path file(Oid oid, Tid serial) {
    return directoryOf(oid).resolve(BlobLayout.hexPrefixed(serial.toBytes()) + SUFFIX);
  }

  /** Whether that file is there. */
  public boolean exists(Oid oid, Tid serial) {
    return disk.exists(file(oid, serial));
  }

  /** Makes what was written to a temporary file durable, so that {@link #commit} is quick. */
  void sync(Path temporary) throws IOException {
    requireWritable();
    // Clients that share the directory take write permission away before they hand a file over.
    try (DiskFile file = disk.open(temporary, Disk.Mode.READ, "open blob to sync")) {
      file.sync("sync blob");
    }
  }

  /** Gives a synced temporary file its final, durable name. */
  void commit(Path temporary, Oid oid, Tid serial) throws IOException {
    requireWritable();
    Path target = file(oid, serial);
    disk.makeReadOnly(temporary, "make blob read-only");
    directories.lock();
    try {
      createWithParents(directoryOf(oid), true);
      disk.rename(temporary, target, "commit blob");
    } finally {
      directories.unlock();
    }
    disk.syncDirectory(Paths.directoryOf(target), "sync blob's directory");
  }

  /**
   * Gives an earlier content of a blob to a later revision too. The two share a file, as neither
   * will ever change.
   */
  void repeat(Oid oid, Tid earlier, Tid serial) throws IOException {
    requireWritable();
    Path from = file(oid, earlier);
    if (!disk.exists(from)) {
      throw new StorageException(
          "the blob file %s is missing, so that it can't be taken back to".formatted(from));
    }
    Path target = file(oid, serial);
    linkOrCopy(from, target, "repeat blob");
    disk.syncDirectory(Paths.directoryOf(target), "sync blob's directory");
  }

  /** Gives the content of a file elsewhere to a revision, which gets a file of its own. */
  void copyFrom(Path from, Oid oid, Tid serial) throws IOException {
    requireWritable();
    Path target = file(oid, serial);
    directories.lock();
    try {
      createWithParents(directoryOf(oid), true);
      copy(from, target, "copy blob of the base");
    } finally {
      directories.unlock();
    }
    disk.syncDirectory(Paths.directoryOf(target), "sync blob's directory");
  }

  private void linkOrCopy(Path from, Path target, String operation) throws IOException {
    try {
      disk.link(from, target, operation);
    } catch (UnsupportedOperationException e) {
      copy(from, target, operation);
    }
  }

  private void copy(Path from, Path target, String operation) throws IOException {
    Path temporary = createTemporary();
    byte[] buffer = new byte[COPY_SIZE];
    try (DiskFile in = disk.open(from, Disk.Mode.READ, operation);
        DiskFile out = disk.open(temporary, Disk.Mode.CREATE, operation)) {
      long position = 0;
      int count = in.read(ByteBuffer.wrap(buffer), position);
      while (count > 0) {
        out.write(ByteBuffer.wrap(buffer, 0, count), position, operation);
        position += count;
        count = in.read(ByteBuffer.wrap(buffer), position);
      }
      out.sync(operation);
    }
    disk.makeReadOnly(temporary, "make blob read-only");
    disk.rename(temporary, target, operation);
  }

  /** Takes back a {@link #commit} or {@link #repeat} of a transaction that is aborted. */
  void remove(Oid oid, Tid serial) throws IOException {
    Path file = file(oid, serial);
    if (isWritable() && disk.exists(file)) {
      disk.delete(file, "remove aborted blob");
      disk.syncDirectory(Paths.directoryOf(file), "sync blob's directory");
    }
  }

  /**
   * Moves a file of a transaction that was never committed out of the way, into {@code tmp}: after
   * a crash between the vote and the finish. No error if there is none.
   */
  void setAside(Oid oid, Tid serial) throws IOException {
    Path file = file(oid, serial);
    if (isWritable() && disk.exists(file)) {
      Path target =
          base.resolve(BlobLayout.TEMPORARY).resolve("uncommitted-" + oid + "-" + serial + SUFFIX);
      LOG.warn("{} belongs to no transaction, and is kept as {}", file, target);
      disk.rename(file, target, "set uncommitted blob aside");
      disk.syncDirectory(Paths.directoryOf(file), "sync blob's directory");
      disk.syncDirectory(Paths.directoryOf(target), "sync directory of uncommitted blobs");
    }
  }

  private Path old() {
    return Paths.withSuffix(base, OLD_SUFFIX);
  }

  /** Removes what an earlier pack kept. */
  void removeOld() throws IOException {
    requireWritable();
    removeTree(old());
  }

  private void removeTree(Path file) throws IOException {
    if (disk.isDirectory(file)) {
      for (Path entry : disk.list(file)) {
        removeTree(entry);
      }
    }
    disk.delete(file, "remove old blobs of an earlier pack");
  }

  /**
   * Removes the files that a pack has listed.
   *
   * @param keepOld whether they go to {@code blobs.old}, with a second name there for all others
   */
  void removePacked(boolean keepOld) throws IOException {
    requireWritable();
    if (keepOld && !disk.exists(old())) {
      disk.createDirectory(old(), "create directory of old blobs");
      linkOrCopyUnlessThere(base.resolve(BlobLayout.MARKER), old().resolve(BlobLayout.MARKER));
    }
    RemovedBlobs.remove(disk, this, keepOld ? Optional.of(old()) : Optional.empty());
    if (keepOld) {
      keepAll(base);
    }
  }

  private void keepAll(Path directory) throws IOException {
    for (Path entry : disk.list(directory)) {
      if (disk.isDirectory(entry)) {
        keepAll(entry);
      } else if (nameOf(entry).endsWith(SUFFIX) && !isTemporary(entry)) {
        linkOrCopyUnlessThere(entry, placeInOld(entry));
      }
    }
  }

  private boolean isTemporary(Path file) {
    return file.startsWith(base.resolve(BlobLayout.TEMPORARY));
  }

  private Path placeInOld(Path file) throws IOException {
    Path place = old().resolve(base.relativize(file));
    createWithParents(Paths.directoryOf(place), false);
    return place;
  }

  private void linkOrCopyUnlessThere(Path from, Path target) throws IOException {
    if (disk.exists(from) && !disk.exists(target)) {
      linkOrCopy(from, target, "keep old blob");
    }
  }

  /** Removes one file, and the directories that it leaves empty. No error if there is none. */
  void removePacked(Oid oid, Tid serial, Optional<Path> keep) throws IOException {
    Path file = file(oid, serial);
    if (disk.exists(file)) {
      if (keep.isPresent()) {
        disk.rename(file, placeInOld(file), "move packed blob");
      } else {
        disk.delete(file, "remove packed blob");
      }
    }
    directories.lock();
    try {
      Path directory = Paths.directoryOf(file);
      while (!directory.equals(base) && disk.exists(directory) && disk.list(directory).isEmpty()) {
        disk.delete(directory, "remove empty blob directory");
        directory = Paths.directoryOf(directory);
      }
      if (disk.exists(directory)) {
        disk.syncDirectory(directory, "sync directory of packed blob");
      }
    } finally {
      directories.unlock();
    }
  }

  /** Removes a temporary file that is not needed, if the directory is still the storage's own. */
  public void discard(Path temporary) {
    if (!isWritable()) {
      return;
    }
    try {
      disk.delete(temporary, "discard temporary blob");
    } catch (IOException e) {
      LOG.warn("can't remove the temporary file {}: {}", temporary, e.toString());
    }
  }
}
