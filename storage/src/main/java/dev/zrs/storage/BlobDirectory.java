package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
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
  private static final String LAYOUT_FILE = ".layout";
  private static final String TEMPORARY = "tmp";
  private static final String TEMPORARY_PREFIX = "zrs-";
  private static final String TEMPORARY_SUFFIX = ".tmp";
  private static final String SUFFIX = ".blob";
  private static final String OLD_SUFFIX = ".old";
  private static final int COPY_SIZE = 1 << 20;
  private static final HexFormat HEX = HexFormat.of();

  private enum Layout {
    BUSHY("bushy"),
    LAWN("lawn");

    private final String text;

    Layout(String text) {
      this.text = text;
    }
  }

  private final Disk disk;
  private final Path base;
  private final Layout layout;

  /** Held from making a directory to putting a file into it, and while empty ones are removed. */
  private final ReentrantLock directories = new ReentrantLock();

  private BlobDirectory(Disk disk, Path base, Layout layout) {
    this.disk = disk;
    this.base = base;
    this.layout = layout;
  }

  /**
   * Opens a blob directory; makes it, its {@code tmp} and its {@code .layout} unless they are there
   * or {@code readOnly} is set.
   *
   * @throws StorageException if {@code .layout} names a layout that does not exist
   */
  static BlobDirectory open(Disk disk, Path base, boolean readOnly) {
    try {
      Layout layout = layoutOf(disk, base);
      if (layout == Layout.LAWN) {
        LOG.warn("the lawn layout of {} does not scale; consider to migrate it to bushy", base);
      }
      BlobDirectory blobs = new BlobDirectory(disk, base, layout);
      if (!readOnly) {
        blobs.create();
      }
      return blobs;
    } catch (IOException e) {
      throw new StorageIoException("opening the blob directory", base, e);
    }
  }

  private static Layout layoutOf(Disk disk, Path base) throws IOException {
    Path marker = base.resolve(LAYOUT_FILE);
    if (disk.exists(marker)) {
      ByteBuffer bytes = ByteBuffer.allocate(64);
      try (DiskFile file = disk.open(marker, Disk.Mode.READ, "read blob layout")) {
        file.read(bytes, 0);
      }
      String text =
          new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII).strip();
      for (Layout layout : Layout.values()) {
        if (layout.text.equals(text)) {
          return layout;
        }
      }
      throw new StorageException("%s names an unknown layout: %s".formatted(marker, text));
    }
    boolean used =
        disk.exists(base)
            && disk.list(base).stream()
                .map(BlobDirectory::nameOf)
                .anyMatch(name -> !name.startsWith(".") && !name.equals(TEMPORARY));
    return used ? Layout.LAWN : Layout.BUSHY;
  }

  private static String nameOf(Path file) {
    return Objects.requireNonNull(file.getFileName()).toString();
  }

  private void create() throws IOException {
    createWithParents(base.resolve(TEMPORARY), true);
    discardTemporaries();
    Path marker = base.resolve(LAYOUT_FILE);
    if (!disk.exists(marker)) {
      // Not in its place before it is whole: an empty marker would name no layout.
      Path temporary = base.resolve(LAYOUT_FILE + ".tmp");
      try (DiskFile file = disk.open(temporary, Disk.Mode.REPLACE, "create blob layout")) {
        file.write(
            ByteBuffer.wrap(layout.text.getBytes(StandardCharsets.US_ASCII)),
            0,
            "write blob layout");
        file.sync("sync blob layout");
      }
      disk.rename(temporary, marker, "name blob layout");
    }
    // Also if it was there: whoever made it may have been stopped before it was durable.
    disk.syncDirectory(base, "sync blob directory");
    disk.syncDirectory(Paths.directoryOf(base), "sync blob directory's parent");
  }

  /**
   * Removes what a crash has left of transactions that were being collected. Files of other names
   * may belong to clients that share the directory, and are alive.
   */
  private void discardTemporaries() throws IOException {
    for (Path file : disk.list(base.resolve(TEMPORARY))) {
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
    return base.resolve(TEMPORARY).resolve(TEMPORARY_PREFIX + UUID.randomUUID() + TEMPORARY_SUFFIX);
  }

  /** The directory in which clients that share this file system put files for {@code oid}. */
  public Path directoryOf(Oid oid) {
    return base.resolve(oidPath(oid));
  }

  /** Makes {@link #directoryOf}. */
  public void createDirectoryOf(Oid oid) {
    Path directory = directoryOf(oid);
    try {
      createWithParents(directory, true);
    } catch (IOException e) {
      throw new StorageIoException("creating", directory, e);
    }
  }

  /** Where the content of one revision of a blob is, or would be. */
  public Path file(Oid oid, Tid serial) {
    return directoryOf(oid).resolve(hexPrefixed(serial.toBytes()) + SUFFIX);
  }

  /** Whether that file is there. */
  public boolean exists(Oid oid, Tid serial) {
    return disk.exists(file(oid, serial));
  }

  private Path oidPath(Oid oid) {
    byte[] bytes = oid.toBytes();
    if (layout == Layout.LAWN) {
      return Path.of(hexPrefixed(bytes));
    }
    Path path = Path.of("0x" + HEX.toHexDigits(bytes[0]));
    for (int i = 1; i < bytes.length; i++) {
      path = path.resolve("0x" + HEX.toHexDigits(bytes[i]));
    }
    return path;
  }

  /** As ZODB.utils.oid_repr: without leading zero bytes, but at least one. */
  private static String hexPrefixed(byte[] bytes) {
    int from = 0;
    while (from < bytes.length - 1 && bytes[from] == 0) {
      from++;
    }
    return "0x" + HEX.formatHex(bytes, from, bytes.length);
  }

  /** Makes what was written to a temporary file durable, so that {@link #commit} is quick. */
  void sync(Path temporary) throws IOException {
    try (DiskFile file = disk.open(temporary, Disk.Mode.READ_WRITE, "open blob to sync")) {
      file.sync("sync blob");
    }
  }

  /** Gives a synced temporary file its final, durable name. */
  void commit(Path temporary, Oid oid, Tid serial) throws IOException {
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
    Path from = file(oid, earlier);
    if (!disk.exists(from)) {
      throw new StorageException(
          "the blob file %s is missing, so that it can't be taken back to".formatted(from));
    }
    Path target = file(oid, serial);
    linkOrCopy(from, target, "repeat blob");
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
    if (disk.exists(file)) {
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
    if (disk.exists(file)) {
      Path target = base.resolve(TEMPORARY).resolve("uncommitted-" + oid + "-" + serial + SUFFIX);
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
    if (keepOld && !disk.exists(old())) {
      disk.createDirectory(old(), "create directory of old blobs");
      linkOrCopyUnlessThere(base.resolve(LAYOUT_FILE), old().resolve(LAYOUT_FILE));
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
    return file.startsWith(base.resolve(TEMPORARY));
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

  /** Removes a temporary file that is not needed. */
  public void discard(Path temporary) {
    try {
      disk.delete(temporary, "discard temporary blob");
    } catch (IOException e) {
      LOG.warn("can't remove the temporary file {}: {}", temporary, e.toString());
    }
  }
}
