package dev.zrs.replication;

import dev.zrs.replication.StreamMessage.RecordHeader;
import dev.zrs.storage.BlobDirectory;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.TransactionBuffer;

/** A transaction whose records are arriving. For one thread. */
sealed interface Incoming extends AutoCloseable {
  /**
   * Takes a record without a blob.
   *
   * @param data empty if the creation of the object is undone
   */
  void record(RecordHeader header, byte[] data);

  /** Takes a record with a blob; returns where the blocks of the blob go. */
  IncomingBlob blob(RecordHeader header, byte[] data);

  /** All of it has arrived; nothing is to be closed after this. */
  Arrived complete();

  /** Drops it, with its temporary files. */
  @Override
  void close();

  /** One that will be applied. */
  record Stored(FileStorage storage, TransactionBuffer buffer) implements Incoming {
    @Override
    public void record(RecordHeader header, byte[] data) {
      buffer.restore(
          header.oid(), header.serial(), data.length == 0 ? null : data, header.dataTid());
    }

    @Override
    public IncomingBlob blob(RecordHeader header, byte[] data) {
      BlobDirectory blobs =
          storage
              .blobs()
              .orElseThrow(
                  () -> new ReplicationException("a blob, but there is no blob directory"));
      if (!blobs.isWritable()) {
        record(header, data);
        return new SharedBlob(header, blobs);
      }
      return new StoredBlob(header, data, blobs, buffer);
    }

    @Override
    public Arrived complete() {
      return new Arrived.New(buffer);
    }

    @Override
    public void close() {
      buffer.close();
    }
  }

  /** One that is only compared with what is here; blobs are passed over. */
  record Compared(TransactionPrint print) implements Incoming {
    @Override
    public void record(RecordHeader header, byte[] data) {
      print.add(header.oid(), data.length == 0 ? null : data);
    }

    @Override
    public IncomingBlob blob(RecordHeader header, byte[] data) {
      print.add(header.oid(), data);
      return new PassedBlob(header.blocks());
    }

    @Override
    public Arrived complete() {
      return new Arrived.Known(print);
    }

    @Override
    public void close() {
      // It holds nothing but memory.
    }
  }
}
