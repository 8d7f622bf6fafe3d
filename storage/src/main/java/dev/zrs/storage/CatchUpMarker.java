package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * Remembers, in the small file {@code Data.fs.catchup}, where the last batch of a catch-up began.
 *
 * <p>A batch is many transactions that share their syncs: only the first has status {@code c} until
 * all are on disk. After a crash, Python and we cut the file there. Without the marker we could not
 * tell this from damage in the middle of a good file, which must never be cut. Format: the position
 * (8 bytes), CRC32C of these 8 bytes (4 bytes).
 *
 * <p>Not for concurrent use.
 */
final class CatchUpMarker {
  private static final int LENGTH = 12;
  private final Disk disk;
  private final Path path;

  CatchUpMarker(Disk disk, Path dataFile) {
    this.disk = disk;
    this.path = Paths.withSuffix(dataFile, ".catchup");
  }

  /** The position that was last written; 0 if there is none that can be trusted. */
  long read() {
    if (!disk.exists(path)) {
      return 0;
    }
    ByteBuffer bytes = ByteBuffer.allocate(LENGTH);
    try (DiskFile file = disk.open(path, Disk.Mode.READ, "read catch-up marker")) {
      if (file.read(bytes, 0) < LENGTH) {
        return 0;
      }
    } catch (IOException e) {
      throw new StorageIoException("reading", path, e);
    }
    return bytes.getInt(8) == checksum(bytes.array()) ? bytes.getLong(0) : 0;
  }

  /** Makes {@code position} durable. */
  void write(long position) {
    ByteBuffer bytes = ByteBuffer.allocate(LENGTH).putLong(0, position);
    bytes.putInt(8, checksum(bytes.array()));
    boolean isNew = !disk.exists(path);
    try (DiskFile file =
        disk.open(path, isNew ? Disk.Mode.CREATE : Disk.Mode.READ_WRITE, "open catch-up marker")) {
      file.write(bytes, 0, "write catch-up marker");
      file.sync("sync catch-up marker");
      if (isNew) {
        disk.syncDirectory(Paths.directoryOf(path), "sync catch-up marker's directory");
      }
    } catch (IOException e) {
      throw new StorageIoException("writing", path, e);
    }
  }

  /** Forgets it; harmless if there is none. */
  void clear() {
    try {
      if (disk.exists(path)) {
        disk.delete(path, "delete catch-up marker");
        disk.syncDirectory(Paths.directoryOf(path), "sync catch-up marker's directory");
      }
    } catch (IOException e) {
      throw new StorageIoException("deleting", path, e);
    }
  }

  private static int checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, 8);
    return (int) crc.getValue();
  }
}
