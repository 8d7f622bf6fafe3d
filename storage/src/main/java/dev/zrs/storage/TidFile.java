package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small file beside {@code Data.fs} that remembers a tid, which only ever grows. Format: 16 hex
 * digits and a newline. Any thread may read; one at a time writes.
 */
final class TidFile {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final int LENGTH = 2 * Tid.BYTES + 1;

  private final Disk disk;
  private final Path path;
  private final String what;
  private volatile Tid tid;

  private TidFile(Disk disk, Path path, String what) {
    this.disk = disk;
    this.path = path;
    this.what = what;
    this.tid = read(disk, path, what);
  }

  /**
   * Up to where the storage was packed: the last transaction that a pack looked at. Who lacks one
   * that is older may just not have what a pack removed.
   *
   * <p>It is written before the packed file takes its name. If the pack ends before that, it is too
   * late by one pack, which lets a secondary through with a warning; too early would refuse a good
   * one.
   */
  static TidFile packTime(Disk disk, Path dataFile) {
    return new TidFile(disk, packTimePath(dataFile), "pack time");
  }

  static Path packTimePath(Path dataFile) {
    return Paths.withSuffix(dataFile, ".packtime");
  }

  /**
   * The last transaction that was cut off a follower's file, and that the upstream has to send
   * again.
   */
  static TidFile lastCut(Disk disk, Path dataFile) {
    return new TidFile(disk, Paths.withSuffix(dataFile, ".cut"), "last transaction cut off");
  }

  /** One that can't be read counts as none. */
  private static Tid read(Disk disk, Path path, String what) {
    if (!disk.exists(path)) {
      return Tid.NONE;
    }
    ByteBuffer bytes = ByteBuffer.allocate(LENGTH);
    try (DiskFile file = disk.open(path, Disk.Mode.READ, "read " + what)) {
      file.read(bytes, 0);
      String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII);
      return new Tid(Long.parseUnsignedLong(text.strip(), 16));
    } catch (IOException | NumberFormatException e) {
      LOG.warn("{} can't be read, the {} is not known: {}", path, what, e.toString());
      return Tid.NONE;
    }
  }

  /** The tid; {@link Tid#NONE} if none is known. */
  Tid tid() {
    return tid;
  }

  /** Makes it durable; an earlier one changes nothing. */
  void record(Tid later) throws IOException {
    if (later.compareTo(tid) <= 0) {
      return;
    }
    boolean isNew = !disk.exists(path);
    try (DiskFile file =
        disk.open(path, isNew ? Disk.Mode.CREATE : Disk.Mode.READ_WRITE, "open " + what)) {
      file.write(
          ByteBuffer.wrap((later + "\n").getBytes(StandardCharsets.US_ASCII)), 0, "write " + what);
      file.sync("sync " + what);
    }
    if (isNew) {
      disk.syncDirectory(Paths.directoryOf(path), "sync directory of " + what);
    }
    tid = later;
  }
}
