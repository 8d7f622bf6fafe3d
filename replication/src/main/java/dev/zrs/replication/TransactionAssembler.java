package dev.zrs.replication;

import dev.zrs.storage.BlobDirectory;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Makes transactions of the frames of one connection, and checks their order and their checksums.
 * For one thread.
 */
final class TransactionAssembler implements AutoCloseable {
  /**
   * The longest message in bytes. All that grows in one is the metadata, three times 64 KiB in the
   * file; in the pickle of a message a value that is used several times stands as often.
   */
  static final int MAX_MESSAGE = 16 << 20;

  private final FileStorage storage;
  private final int maxRecord;
  private final MessageDigest checksum;
  private Tid last;
  private @Nullable TransactionBuffer transaction;
  private StreamMessage.@Nullable RecordHeader record;
  private @Nullable IncomingBlob blob;

  /**
   * @param start what the stream was asked for: all transactions are later than this
   * @param maxRecord bytes of the largest record
   */
  TransactionAssembler(FileStorage storage, Tid start, int maxRecord) {
    this.storage = storage;
    this.maxRecord = maxRecord;
    this.last = start;
    this.checksum = Md5.startingWith(start.toBytes());
  }

  /** Whether a transaction has begun and is not complete. */
  boolean inTransaction() {
    return transaction != null;
  }

  /** How long the next frame may be, in bytes. */
  int frameLimit() {
    if (record != null) {
      return maxRecord;
    }
    return blob != null ? TransactionSender.BLOB_BLOCK : MAX_MESSAGE;
  }

  /** The last transaction that began. */
  Tid last() {
    return last;
  }

  /**
   * Takes in a frame.
   *
   * @return the transaction that it completes, which is the caller's from now on; else null
   * @throws ReplicationException if the frame can't be right
   */
  @Nullable TransactionBuffer accept(byte[] frame) {
    TransactionBuffer complete = null;
    if (record != null) {
      data(record, frame);
    } else if (blob != null) {
      block(blob, frame);
    } else {
      complete = message(StreamMessage.parse(frame));
    }
    checksum.update(frame);
    return complete;
  }

  private @Nullable TransactionBuffer message(StreamMessage message) {
    TransactionBuffer current = transaction;
    switch (message) {
      case StreamMessage.Begin begin -> {
        if (current != null) {
          throw new ReplicationException("a transaction begins within " + last);
        }
        if (begin.tid().compareTo(last) <= 0) {
          throw new ReplicationException(
              "transaction %s is not later than %s".formatted(begin.tid(), last));
        }
        transaction = storage.begin(begin.metadata(), begin.tid(), begin.status(), null);
        last = begin.tid();
      }
      case StreamMessage.RecordHeader header -> {
        if (current == null) {
          throw new ReplicationException("a record outside of a transaction");
        }
        if (!header.serial().equals(last)) {
          throw new ReplicationException(
              "a record of transaction %s within %s".formatted(header.serial(), last));
        }
        record = header;
      }
      case StreamMessage.Commit commit -> {
        if (current == null) {
          throw new ReplicationException("a commit outside of a transaction");
        }
        byte[] expected = commit.checksum();
        if (expected != null && !Arrays.equals(expected, Md5.soFar(checksum))) {
          throw new ReplicationException("Bad checksum at transaction " + last);
        }
        transaction = null;
        return current;
      }
    }
    return null;
  }

  private void data(StreamMessage.RecordHeader header, byte[] data) {
    if (!header.hasBlob()) {
      record = null;
      buffer()
          .restore(header.oid(), header.serial(), data.length == 0 ? null : data, header.dataTid());
      return;
    }
    if (data.length == 0) {
      throw new ReplicationException("a blob without a record, oid " + header.oid());
    }
    record = null;
    IncomingBlob incoming = new IncomingBlob(header, data, blobs().createTemporary());
    blob = incoming;
    if (incoming.isComplete()) {
      finish(incoming);
    }
  }

  private void block(IncomingBlob incoming, byte[] frame) {
    incoming.write(frame);
    if (incoming.isComplete()) {
      finish(incoming);
    }
  }

  private void finish(IncomingBlob incoming) {
    incoming.close();
    StreamMessage.RecordHeader header = incoming.header();
    buffer()
        .restoreBlob(
            header.oid(), header.serial(), incoming.record(), header.dataTid(), incoming.file());
    blob = null;
  }

  private BlobDirectory blobs() {
    return storage
        .blobs()
        .orElseThrow(() -> new ReplicationException("a blob, but there is no blob directory"));
  }

  private TransactionBuffer buffer() {
    TransactionBuffer current = transaction;
    if (current == null) {
      throw new IllegalStateException("a record is only taken in within a transaction");
    }
    return current;
  }

  /** Drops what is incomplete, with its temporary files. */
  @Override
  public void close() {
    IncomingBlob incoming = blob;
    blob = null;
    TransactionBuffer incomplete = transaction;
    transaction = null;
    try {
      if (incoming != null) {
        discard(incoming);
      }
    } finally {
      if (incomplete != null) {
        incomplete.close();
      }
    }
  }

  private void discard(IncomingBlob incoming) {
    try {
      incoming.close();
    } finally {
      blobs().discard(incoming.file());
    }
  }
}
