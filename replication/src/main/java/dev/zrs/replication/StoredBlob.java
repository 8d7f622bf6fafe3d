package dev.zrs.replication;

import dev.zrs.replication.StreamMessage.RecordHeader;
import dev.zrs.storage.BlobDirectory;
import dev.zrs.storage.TransactionBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A blob that goes to a temporary file, and with it to its transaction. For one thread. */
final class StoredBlob implements IncomingBlob {
  private final RecordHeader header;
  private final byte[] record;
  private final BlobDirectory blobs;
  private final TransactionBuffer transaction;
  private final Path file;
  private final FileChannel content;
  private long blocksLeft;

  /**
   * @param record the data record
   */
  StoredBlob(
      RecordHeader header, byte[] record, BlobDirectory blobs, TransactionBuffer transaction) {
    this.header = header;
    this.record = record;
    this.blobs = blobs;
    this.transaction = transaction;
    this.file = blobs.createTemporary();
    this.blocksLeft = header.blocks();
    try {
      this.content =
          FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  @Override
  public boolean isComplete() {
    return blocksLeft == 0;
  }

  @Override
  public void write(byte[] block) {
    ByteBuffer bytes = ByteBuffer.wrap(block);
    try {
      while (bytes.hasRemaining()) {
        content.write(bytes);
      }
    } catch (IOException e) {
      throw unwritable(file, e);
    }
    blocksLeft--;
  }

  @Override
  public void finish() {
    closeFile();
    transaction.restoreBlob(header.oid(), header.serial(), record, header.dataTid(), file);
  }

  private void closeFile() {
    try {
      content.close();
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  /** What fails here is the disk, and must not look as if it were the connection. */
  private static ReplicationException unwritable(Path file, IOException e) {
    return new ReplicationException(
        "could not write the blob file %s: %s".formatted(file, e.getMessage()), e);
  }

  @Override
  public void close() {
    try {
      closeFile();
    } finally {
      blobs.discard(file);
    }
  }
}
