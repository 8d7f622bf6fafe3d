package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The blob files that a pack makes needless: first only listed, in a file of the blob directory,
 * and removed when the packed file has taken its place. So a crash before that loses no blob, and
 * one after it is made good at the next start. Format: for each file a line of 32 hexadecimal
 * digits, oid and serial. Not for concurrent use.
 */
final class RemovedBlobs {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.blob");
  private static final String LIST = ".removed-by-zrs-pack";
  private static final int LINE = 33;
  private static final int LINES_READ = 4096;

  private final Disk disk;
  private final BlobDirectory blobs;
  private final DiskFile file;
  private final BufferedOutput output;

  private RemovedBlobs(Disk disk, BlobDirectory blobs, DiskFile file) {
    this.disk = disk;
    this.blobs = blobs;
    this.file = file;
    this.output = new BufferedOutput(file, 0, "list removed blobs", 64 << 10);
  }

  /** Begins an empty list. */
  static RemovedBlobs begin(Disk disk, BlobDirectory blobs) throws IOException {
    Path list = blobs.base().resolve(LIST);
    return new RemovedBlobs(
        disk, blobs, disk.open(list, Disk.Mode.REPLACE, "create list of removed blobs"));
  }

  void add(Oid oid, Tid serial) throws IOException {
    output.put((oid.toString() + serial + "\n").getBytes(StandardCharsets.US_ASCII));
  }

  /** Makes the list durable. */
  void sync() throws IOException {
    output.flush();
    file.sync("sync list of removed blobs");
    disk.syncDirectory(blobs.base(), "sync directory of list of removed blobs");
  }

  /** Lets go of the list, which stays. */
  void close() throws IOException {
    file.close();
  }

  /**
   * Forgets a list, before the file that was to be packed is removed; no error if there is none.
   */
  static void discard(Disk disk, BlobDirectory blobs) throws IOException {
    Path list = blobs.base().resolve(LIST);
    if (disk.exists(list)) {
      disk.delete(list, "discard list of removed blobs");
      disk.syncDirectory(blobs.base(), "sync directory of list of removed blobs");
    }
  }

  /** Whether there is a list. */
  static boolean isListed(Disk disk, BlobDirectory blobs) {
    return disk.exists(blobs.base().resolve(LIST));
  }

  /**
   * Removes what is listed, then the list. What is gone already is passed over. No error if there
   * is no list.
   *
   * @param old where the files are to go; empty if they are not kept
   */
  static void remove(Disk disk, BlobDirectory blobs, Optional<Path> old) throws IOException {
    Path list = blobs.base().resolve(LIST);
    if (!disk.exists(list)) {
      return;
    }
    try (DiskFile file = disk.open(list, Disk.Mode.READ, "read list of removed blobs")) {
      byte[] lines = new byte[LINE * LINES_READ];
      long position = 0;
      int count = file.read(ByteBuffer.wrap(lines), position);
      while (count > 0) {
        for (int at = 0; at + LINE <= count; at += LINE) {
          removeListed(blobs, new String(lines, at, LINE, StandardCharsets.US_ASCII), old);
        }
        position += count;
        count = file.read(ByteBuffer.wrap(lines), position);
      }
    }
    discard(disk, blobs);
  }

  private static void removeListed(BlobDirectory blobs, String line, Optional<Path> old)
      throws IOException {
    try {
      Oid oid = new Oid(Long.parseUnsignedLong(line, 0, 16, 16));
      Tid serial = new Tid(Long.parseUnsignedLong(line, 16, 32, 16));
      blobs.removePacked(oid, serial, old);
    } catch (NumberFormatException e) {
      LOG.warn("{}: the list {} has a bad line, which is passed over", blobs.base(), LIST);
    }
  }
}
