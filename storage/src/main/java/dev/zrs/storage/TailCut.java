package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts off what follows the last complete transaction, and keeps it beside the file as {@code
 * Data.fs.tr0} or the next free number. For one thread.
 */
final class TailCut {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final int COPY_SIZE = 1 << 20;
  private static final int MAX_TAILS = 10_000;

  private final Disk disk;
  private final DataFile file;
  private final FileScan scan;
  private final boolean follower;
  private final TidFile lastCut;

  /**
   * @param scan of the file, which has found a tail
   * @param follower whether an upstream will send the transactions of the tail again
   * @param lastCut where to write down which of them is the last one
   */
  TailCut(Disk disk, DataFile file, FileScan scan, boolean follower, TidFile lastCut) {
    this.disk = disk;
    this.file = file;
    this.scan = scan;
    this.follower = follower;
    this.lastCut = lastCut;
  }

  /**
   * Cuts.
   *
   * @param blobs where the blobs of the tail are; empty if they are nobody's business here
   */
  void cut(Optional<BlobDirectory> blobs) throws IOException {
    Tid last = visitTail(blobs);
    if (follower) {
      lastCut.record(last);
    }
    Path copy = unusedTail(file.path());
    long end = scan.end();
    long size = file.size();
    tell(end, size, copy);
    try (DiskFile target = disk.open(copy, Disk.Mode.CREATE, "create copy of tail")) {
      byte[] buffer = new byte[COPY_SIZE];
      long at = end;
      while (at < size) {
        int count = file.readUpTo(at, buffer, 0, (int) Math.min(buffer.length, size - at));
        if (count == 0) {
          break;
        }
        target.write(ByteBuffer.wrap(buffer, 0, count), at - end, "copy tail");
        at += count;
      }
      target.sync("sync copy of tail");
    }
    disk.syncDirectory(Paths.directoryOf(copy), "sync copy of tail's directory");
    file.file().truncate(end, "truncate tail");
    file.file().sync("sync truncated data file");
  }

  private void tell(long end, long size, Path copy) {
    if (!follower) {
      LOG.warn(
          "{} truncated, possibly due to damaged records at {}: the last {} bytes were never"
              + " committed; they are kept in {}",
          file.path(),
          end,
          size - end,
          copy);
      return;
    }
    TransactionHeader mark = scan.mark();
    LOG.warn(
        "{} truncated at {}: {} was not finished there when the file was copied or its server"
            + " stopped. The last {} bytes are kept in {}; the upstream will send again what was"
            + " committed of them. The last transaction is {} now",
        file.path(),
        end,
        mark == null
            ? "a transaction"
            : "transaction %s (%s UTC)".formatted(mark.tid(), mark.tid().toUtcText()),
        size - end,
        copy,
        scan.lastTid());
  }

  /**
   * The blobs of transactions that stand whole in the tail came to their places at the vote. Those
   * that an upstream sends again may stay there; but it may have aborted one that is not finished.
   *
   * @return the last one; {@link Tid#NONE} if there is none
   */
  private Tid visitTail(Optional<BlobDirectory> blobs) throws IOException {
    Tid last = Tid.NONE;
    long size = file.size();
    long position = scan.end();
    while (position + TransactionHeader.FIXED_LENGTH <= size) {
      TransactionHeader transaction = file.transactionHeader(position);
      if (transaction.length() < transaction.headerLength()
          || transaction.length() > size - position - TransactionHeader.TRAILER_LENGTH
          || file.readLong(transaction.trailerPosition()) != transaction.length()) {
        return last;
      }
      last = transaction.tid();
      boolean comesAgain = follower && transaction.hasKnownStatus();
      if (blobs.isPresent() && !comesAgain && !setBlobsAside(transaction, blobs.get())) {
        return last;
      }
      position = transaction.end();
    }
    return last;
  }

  /** Whether all of the transaction's records could be read. */
  private boolean setBlobsAside(TransactionHeader transaction, BlobDirectory blobs)
      throws IOException {
    long at = transaction.position() + transaction.headerLength();
    while (at + DataHeader.LENGTH <= transaction.trailerPosition()) {
      DataHeader record = DataHeader.parse(file.read(at, DataHeader.LENGTH), 0, at);
      if (record.dataLength() < 0 || record.length() > transaction.trailerPosition() - at) {
        return false;
      }
      blobs.setAside(record.oid(), record.tid());
      at += record.length();
    }
    return true;
  }

  private Path unusedTail(Path path) {
    for (int i = 0; i < MAX_TAILS; i++) {
      Path candidate = Paths.withSuffix(path, ".tr" + i);
      if (!disk.exists(candidate)) {
        return candidate;
      }
    }
    throw new StorageException(
        "%s has %d cut tails (.tr0 and so on) beside it: remove those you do not need"
            .formatted(path, MAX_TAILS));
  }
}
