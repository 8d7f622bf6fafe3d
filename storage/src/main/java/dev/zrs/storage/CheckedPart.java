package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers, in the small file {@code Data.fs.checked} of a follower, up to where the file is known
 * to have no unfinished transaction. A file that was copied while a server used it may have one
 * anywhere, and a saved index that was copied with it may be valid for more than that. So of a
 * follower's file the index is only believed if all headers before its position were looked at; and
 * this once, not at each start.
 *
 * <p>Format: where the part ends (16 hex digits), a space, the transaction that ends there, a
 * newline. If there is another one there it is not believed. Not for concurrent use.
 */
final class CheckedPart {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final int TID = 17;
  private static final int LENGTH = TID + 2 * Tid.BYTES + 1;

  private final Disk disk;
  private final Path path;

  CheckedPart(Disk disk, Path dataFile) {
    this.disk = disk;
    this.path = Paths.withSuffix(dataFile, ".checked");
  }

  /** Whether there is no unfinished transaction before {@code end}, a transaction's boundary. */
  boolean isWhole(DataFile file, long end) {
    long position = known(file, end);
    while (position < end) {
      TransactionHeader header = file.transactionHeader(position);
      if (header.status() == TransactionHeader.STATUS_VOTED
          || header.length() < header.headerLength()
          || header.length() > end - position - TransactionHeader.TRAILER_LENGTH) {
        return false;
      }
      position = header.end();
    }
    return true;
  }

  /** Where the part ends that need not be looked at again. */
  private long known(DataFile file, long limit) {
    try {
      byte[] text = read();
      if (text.length == 0) {
        return DataFile.START;
      }
      String line = new String(text, StandardCharsets.US_ASCII);
      long end = Long.parseUnsignedLong(line, 0, TID - 1, 16);
      Tid tid = new Tid(Long.parseUnsignedLong(line, TID, TID + 2 * Tid.BYTES, 16));
      return end > DataFile.START
              && end <= limit
              && new TransactionSearch(file, limit).before(end).tid().equals(tid)
          ? end
          : DataFile.START;
    } catch (IOException | CorruptDataException | NumberFormatException e) {
      LOG.info("{} is of no use here: {}", path, e.toString());
      return DataFile.START;
    }
  }

  private byte[] read() throws IOException {
    if (!disk.exists(path)) {
      return Bytes.EMPTY;
    }
    ByteBuffer bytes = ByteBuffer.allocate(LENGTH);
    try (DiskFile file = disk.open(path, Disk.Mode.READ, "read checked part")) {
      return file.read(bytes, 0) < LENGTH ? Bytes.EMPTY : bytes.array();
    }
  }

  /**
   * Writes down that all up to {@code end} was looked at. If it fails the next start looks at more.
   */
  void record(DataFile file, long end) {
    if (end <= DataFile.START) {
      return;
    }
    try {
      Tid last = new TransactionSearch(file, end).before(end).tid();
      byte[] line = "%016x %s\n".formatted(end, last).getBytes(StandardCharsets.US_ASCII);
      try (DiskFile target = disk.open(path, Disk.Mode.REPLACE, "open checked part")) {
        target.write(ByteBuffer.wrap(line), 0, "write checked part");
      }
    } catch (IOException | StorageException e) {
      LOG.warn("{} can't be written: {}", path, e.toString());
    }
  }
}
