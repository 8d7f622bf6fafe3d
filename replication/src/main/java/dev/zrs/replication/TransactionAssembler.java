package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
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
  static final int MAX_MESSAGE = 4 << 20;

  private static final FrameLimit MESSAGE = new FrameLimit(MAX_MESSAGE, " for a message");
  private static final FrameLimit BLOCK =
      new FrameLimit(TransactionSender.BLOCK, " for a block of a blob");

  private final FileStorage storage;
  private final Tid have;
  private final FutureTids futureTids;
  private final FrameLimit recordLimit;
  private final long maxRecords;
  private final MessageDigest checksum;
  private Tid last;
  private @Nullable Incoming transaction;
  private long records;
  private StreamMessage.@Nullable RecordHeader record;
  private @Nullable IncomingBlob blob;

  /**
   * @param start what the stream was asked for: all transactions are later than this
   * @param options for their limits
   */
  TransactionAssembler(
      FileStorage storage, Tid start, SecondaryOptions options, FutureTids futureTids) {
    this.storage = storage;
    this.futureTids = futureTids;
    this.have = storage.lastTransaction();
    this.recordLimit =
        new FrameLimit(
            options.maxFrame(), " for a data record; a server with more heap (-Xmx) takes more");
    this.maxRecords = options.maxRecords();
    this.last = start;
    this.checksum = Md5.startingWith(start.toBytes());
  }

  /** Whether a transaction has begun and is not complete. */
  boolean inTransaction() {
    return transaction != null;
  }

  /** How long the next frame may be. */
  FrameLimit frameLimit() {
    if (record != null) {
      return recordLimit;
    }
    return blob != null ? BLOCK : MESSAGE;
  }

  /** The last transaction that began. */
  Tid last() {
    return last;
  }

  /**
   * Takes in a frame.
   *
   * @return the transaction that it completes; null if it completes none
   * @throws ReplicationException if the frame can't be right
   */
  @Nullable Arrived accept(byte[] frame) {
    Arrived complete = null;
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

  private @Nullable Arrived message(StreamMessage message) {
    Incoming current = transaction;
    switch (message) {
      case StreamMessage.Begin begin -> {
        if (current != null) {
          throw new ReplicationException("a transaction begins within " + last);
        }
        if (begin.tid().compareTo(last) <= 0) {
          throw new ReplicationException(
              "transaction %s is not later than %s".formatted(begin.tid(), last));
        }
        futureTids.check(begin.tid());
        transaction = incoming(begin);
        last = begin.tid();
        records = 0;
      }
      case StreamMessage.RecordHeader header -> {
        if (current == null) {
          throw new ReplicationException("a record outside of a transaction");
        }
        if (!header.serial().equals(last)) {
          throw new ReplicationException(
              "a record of transaction %s within %s".formatted(header.serial(), last));
        }
        records++;
        if (records > maxRecords) {
          throw new ReplicationException(
              "transaction %s has more than %d records, for which there would be no memory"
                  .formatted(last, maxRecords));
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
        return current.complete();
      }
    }
    return null;
  }

  private Incoming incoming(StreamMessage.Begin begin) {
    return begin.tid().compareTo(have) <= 0
        ? new Incoming.Compared(new TransactionPrint(begin.tid(), begin.status(), begin.metadata()))
        : new Incoming.Stored(
            storage, storage.begin(begin.metadata(), begin.tid(), begin.status(), null));
  }

  private void data(StreamMessage.RecordHeader header, byte[] data) {
    if (!header.hasBlob()) {
      record = null;
      current().record(header, data);
      return;
    }
    if (data.length == 0) {
      throw new ReplicationException("a blob without a record, oid " + header.oid());
    }
    record = null;
    IncomingBlob incoming = current().blob(header, data);
    blob = incoming;
    finishIfComplete(incoming);
  }

  private void block(IncomingBlob incoming, byte[] frame) {
    incoming.write(frame);
    finishIfComplete(incoming);
  }

  private void finishIfComplete(IncomingBlob incoming) {
    if (incoming.isComplete()) {
      incoming.finish();
      blob = null;
    }
  }

  private Incoming current() {
    Incoming current = transaction;
    if (current == null) {
      throw new IllegalStateException("a record is only taken in within a transaction");
    }
    return current;
  }

  /** Drops what is incomplete, with its temporary files. */
  @Override
  public void close() {
    IncomingBlob halfBlob = blob;
    blob = null;
    Incoming incomplete = transaction;
    transaction = null;
    try {
      if (halfBlob != null) {
        halfBlob.close();
      }
    } finally {
      if (incomplete != null) {
        incomplete.close();
      }
    }
  }
}
