package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers, in the small file {@code Data.fs.packtime}, up to where the storage was packed: who
 * lacks a transaction that is older than that may just not have what a pack removed. Format: the
 * tid of the last transaction that a pack looked at, in 16 hex digits, and a newline.
 *
 * <p>It is written before the packed file takes its name. If a crash comes between, it is too late
 * by one pack, which lets a secondary through with a warning; too early would refuse a good one.
 *
 * <p>Any thread may read; one at a time writes.
 */
final class PackTimeFile {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final int LENGTH = 2 * Tid.BYTES + 1;

  private final Disk disk;
  private final Path path;
  private volatile Tid packed;

  private PackTimeFile(Disk disk, Path path, Tid packed) {
    this.disk = disk;
    this.path = path;
    this.packed = packed;
  }

  /** Of a storage whose file is {@code dataFile}; one that can't be read counts as none. */
  static PackTimeFile open(Disk disk, Path dataFile) {
    Path path = pathFor(dataFile);
    return new PackTimeFile(disk, path, read(disk, path));
  }

  static Path pathFor(Path dataFile) {
    return Paths.withSuffix(dataFile, ".packtime");
  }

  private static Tid read(Disk disk, Path path) {
    if (!disk.exists(path)) {
      return Tid.NONE;
    }
    ByteBuffer bytes = ByteBuffer.allocate(LENGTH);
    try (DiskFile file = disk.open(path, Disk.Mode.READ, "read pack time")) {
      file.read(bytes, 0);
      String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII);
      return new Tid(Long.parseUnsignedLong(text.strip(), 16));
    } catch (IOException | NumberFormatException e) {
      LOG.warn("{} can't be read, the time of the last pack is not known: {}", path, e.toString());
      return Tid.NONE;
    }
  }

  /** The last transaction that a pack looked at; {@link Tid#NONE} if no pack is known. */
  Tid packed() {
    return packed;
  }

  /** Makes a pack durable that is about to take place; an earlier one to a later time stays. */
  void record(Tid last) throws IOException {
    if (last.compareTo(packed) <= 0) {
      return;
    }
    boolean isNew = !disk.exists(path);
    try (DiskFile file =
        disk.open(path, isNew ? Disk.Mode.CREATE : Disk.Mode.READ_WRITE, "open pack time")) {
      file.write(
          ByteBuffer.wrap((last + "\n").getBytes(StandardCharsets.US_ASCII)), 0, "write pack time");
      file.sync("sync pack time");
    }
    if (isNew) {
      disk.syncDirectory(Paths.directoryOf(path), "sync pack time's directory");
    }
    packed = last;
  }
}
