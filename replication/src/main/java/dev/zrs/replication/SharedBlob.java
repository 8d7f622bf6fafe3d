package dev.zrs.replication;

import dev.zrs.replication.StreamMessage.RecordHeader;
import dev.zrs.storage.BlobDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A blob that the upstream keeps on a volume that both sides have: its blocks are counted and
 * forgotten, and its file must be there, as a primary writes it before it sends. For one thread.
 */
final class SharedBlob implements IncomingBlob {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");

  private final PassedBlob blocks;
  private final RecordHeader header;
  private final BlobDirectory blobs;

  SharedBlob(RecordHeader header, BlobDirectory blobs) {
    this.blocks = new PassedBlob(header.blocks());
    this.header = header;
    this.blobs = blobs;
  }

  @Override
  public void write(byte[] block) {
    blocks.write(block);
  }

  @Override
  public boolean isComplete() {
    return blocks.isComplete();
  }

  /** A file that is not there is no reason to lose the transaction: it may have been packed. */
  @Override
  public void finish() {
    if (!blobs.exists(header.oid(), header.serial())) {
      LOG.error(
          "the blob file of oid {}, tid {} is not there ({}), though 'blobs skip' says that the"
              + " upstream writes to the same directory",
          header.oid(),
          header.serial(),
          blobs.file(header.oid(), header.serial()));
    }
  }

  @Override
  public void close() {
    // There is nothing to drop.
  }
}
