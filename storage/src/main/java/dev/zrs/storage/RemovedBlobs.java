package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The blob files that a pack makes needless: first only listed, in a file of the blob directory,
 * and removed when the packed file has taken its place. So a crash before that loses no blob, and
 * one after it is made good at the next start. Format: for each file a line of 32 hexadecimal
 * digits, oid and serial. The last line says in the same way of which data file the list is: where
 * the packed part of it ends, and the last transaction that the pack looked at. For the directory
 * may be shared with a server that has another file, or have been copied while a pack was under
 * way. Not for concurrent use.
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

  /**
   * Ends the list and makes it durable.
   *
   * @param packedEnd where the packed part of the new data file ends
   * @param lastPacked the last transaction up to the pack time
   */
  void sync(long packedEnd, Tid lastPacked) throws IOException {
    output.put(
        (HexFormat.of().toHexDigits(packedEnd) + lastPacked + "\n")
            .getBytes(StandardCharsets.US_ASCII));
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

  /** Whether there is a list, and {@code dataFile} is the packed file that it was made for. */
  static boolean isListedFor(Disk disk, BlobDirectory blobs, DataFile dataFile) throws IOException {
    try (DiskFile file =
        disk.open(blobs.base().resolve(LIST), Disk.Mode.READ, "read list of removed blobs")) {
      byte[] line = new byte[LINE];
      long at = file.size() - LINE;
      if (at < 0 || file.read(ByteBuffer.wrap(line), at) < LINE) {
        return false;
      }
      String text = new String(line, StandardCharsets.US_ASCII);
      long packedEnd = Long.parseUnsignedLong(text, 0, 16, 16);
      Tid lastPacked = new Tid(Long.parseUnsignedLong(text, 16, 32, 16));
      return endsPackedPart(dataFile, packedEnd, lastPacked);
    } catch (NumberFormatException e) {
      return false;
    }
  }

  /**
   * In any other file the last transaction that was looked at ends somewhere else, and what begins
   * there, if anything does, is not later.
   */
  private static boolean endsPackedPart(DataFile file, long packedEnd, Tid lastPacked) {
    long size = file.size();
    try {
      if (packedEnd <= DataFile.START || packedEnd > size) {
        return false;
      }
      if (new TransactionSearch(file, packedEnd).before(packedEnd).tid().equals(lastPacked)) {
        return true;
      }
      TransactionHeader next = file.transactionHeader(packedEnd);
      int order = next.tid().compareTo(lastPacked);
      return next.length() >= next.headerLength()
          && next.length() <= size - packedEnd - TransactionHeader.TRAILER_LENGTH
          && file.readLong(next.trailerPosition()) == next.length()
          && (order > 0 || (order == 0 && next.length() == next.headerLength()));
    } catch (CorruptDataException e) {
      return false;
    }
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
      long end = file.size() - LINE;
      long position = 0;
      int count = file.read(ByteBuffer.wrap(lines), position);
      while (count > 0) {
        for (int at = 0; at + LINE <= count && position + at < end; at += LINE) {
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
