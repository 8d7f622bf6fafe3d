package dev.zrs.replication;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.RecordPickles;
import dev.zrs.pickle.Unpickler;
import dev.zrs.storage.BlobDirectory;
import dev.zrs.storage.DataRecord;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.NoSuchObjectException;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionRecord;
import dev.zrs.storage.UnreadRecord;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes transactions as the messages T, S, B and C of the ZRS protocol (zc.zrs, primary.py). For
 * one thread.
 */
final class TransactionSender {
  /** Bytes of a blob in one frame; the last one may be shorter. Also what is read at once. */
  static final int BLOCK = 1 << 16;

  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.primary");
  private static final char STATUS_UNDONE = 'u';
  private static final byte[] NOTHING = {};

  /** Shorter messages can't be refused by a receiver. */
  private static final int CHECKED_BEYOND = 128 << 10;

  private final FileStorage storage;
  private final Optional<BlobDirectory> blobs;
  private final FrameWriter output;
  private final MessageDigest checksum;
  private final String peer;
  private final MissingBlobs missing;
  private final boolean strictBlobs;
  private final PickleWriter pickle =
      PickleWriter.zrs().limitedTo(TransactionAssembler.MAX_MESSAGE);
  private final PickleWriter memoized =
      PickleWriter.zrsMemoized().limitedTo(TransactionAssembler.MAX_MESSAGE);

  /** A part of a blob or of a large record; made with the first one. */
  private byte[] block = NOTHING;

  /**
   * @param missing where to note blobs without a file
   * @param strictBlobs whether such a blob ends the connection
   */
  TransactionSender(
      FileStorage storage,
      FrameWriter output,
      MessageDigest checksum,
      String peer,
      MissingBlobs missing,
      boolean strictBlobs) {
    this.storage = storage;
    this.blobs = storage.blobs();
    this.output = output;
    this.checksum = checksum;
    this.peer = peer;
    this.missing = missing;
    this.strictBlobs = strictBlobs;
  }

  /**
   * Sends one transaction; nothing of one that is undone.
   *
   * @throws ReplicationException if a blob can't be sent
   */
  void send(TransactionRecord transaction) throws IOException {
    if (transaction.status() == STATUS_UNDONE) {
      return;
    }
    begin(transaction);
    UnreadRecord record = transaction.nextUnread();
    while (record != null) {
      if (record.length() <= BLOCK) {
        send(record.whole());
      } else {
        sendLarge(record);
      }
      record = transaction.nextUnread();
    }
    message("C", (Object) Md5.soFar(checksum));
  }

  private void begin(TransactionRecord transaction) throws IOException {
    byte[] extension = transaction.metadata().extension();
    try {
      begin(transaction, extension.length == 0 ? new PyDict() : Unpickler.load(extension));
    } catch (PickleException | ReplicationException e) {
      // It is unreadable, or nests too deep, or is too large.
      LOG.error(
          "{}: the extension of transaction {} can't be sent and is left out: {}",
          peer,
          transaction.tid(),
          e.getMessage());
      begin(transaction, new PyDict());
    }
  }

  /**
   * Without memo, as zc.zrs, unless a value of the extension occurs more than once: the secondary
   * would get two of it, and store other bytes.
   */
  private void begin(TransactionRecord transaction, Object extension) throws IOException {
    memoized.reset();
    PickleWriter writer = memoized.write(extension).hasSharedValues() ? memoized : pickle;
    write(
        writer,
        "T",
        transaction.tid().toBytes(),
        String.valueOf(transaction.status()),
        transaction.metadata().user(),
        transaction.metadata().description(),
        extension);
    if (writer.size() > CHECKED_BEYOND) {
      // A secondary of ours would refuse it, and ask for it again and again.
      StreamMessage.parse(Arrays.copyOf(writer.buffer(), writer.size()));
    }
    output.write(writer.buffer(), 0, writer.size());
  }

  private void send(DataRecord record) throws IOException {
    byte[] data = record.data();
    if (data == null || blobs.isEmpty() || !RecordPickles.isBlob(data)) {
      sendPlain(record);
      return;
    }
    Path file = blobs.get().file(record.oid(), record.tid());
    try (InputStream content = openBlob(record, file)) {
      if (content == null) {
        sendPlain(record);
      } else {
        sendBlob(record, data, content, file);
      }
    }
  }

  /** In pieces: a secondary that does not read it must not keep all of it in memory. */
  private void sendLarge(UnreadRecord record) throws IOException {
    record.read(0, block(), BLOCK);
    if (blobs.isPresent() && RecordPickles.isBlob(block(), 0, BLOCK)) {
      send(record.whole());
      return;
    }
    recordMessage(record.oid(), record.tid(), record.dataTid());
    int length = record.length();
    output.begin(length);
    for (int done = 0; done < length; done += BLOCK) {
      int count = Math.min(BLOCK, length - done);
      record.read(done, block(), count);
      output.append(block(), 0, count);
    }
  }

  private byte[] block() {
    if (block.length == 0) {
      block = new byte[BLOCK];
    }
    return block;
  }

  private @Nullable InputStream openBlob(DataRecord record, Path file) {
    try {
      return Files.newInputStream(file);
    } catch (NoSuchFileException e) {
      if (isPackedAway(record)) {
        LOG.info(
            "{}: oid {}, tid {} was packed away meanwhile, its record is sent without its blob",
            peer,
            record.oid(),
            record.tid());
        return null;
      }
      missing.add(new MissingBlobs.MissingBlob(record.oid(), record.tid(), file));
      if (strictBlobs) {
        throw new ReplicationException(
            "the blob file of oid %s, tid %s is missing, and strict-blobs stops this secondary: %s"
                .formatted(record.oid(), record.tid(), file),
            e);
      }
      LOG.error(
          "{}: the blob file of oid {}, tid {} is missing, only its record is sent: {}",
          peer,
          record.oid(),
          record.tid(),
          file);
      return null;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * A pack removes blobs after it has put the packed file in its place, while this still reads a
   * transaction of the file before.
   */
  private boolean isPackedAway(DataRecord record) {
    try {
      storage.loadSerial(record.oid(), record.tid());
      return false;
    } catch (NoSuchObjectException e) {
      return true;
    }
  }

  /** What fails here is not the connection, and must not look as if it were. */
  private static ReplicationException unreadable(Path file, IOException e) {
    return new ReplicationException("the blob file %s can't be read: %s".formatted(file, e), e);
  }

  private void sendPlain(DataRecord record) throws IOException {
    byte[] data = record.data();
    recordMessage(record.oid(), record.tid(), record.dataTid());
    output.write(data == null ? NOTHING : data);
  }

  private void recordMessage(Oid oid, Tid tid, @Nullable Tid dataTid) throws IOException {
    message("S", oid.toBytes(), tid.toBytes(), "", dataTid(dataTid));
  }

  private void sendBlob(DataRecord record, byte[] data, InputStream content, Path file)
      throws IOException {
    long size = sizeOf(file);
    // An empty blob goes out as one empty block: without any, zc.zrs would make no file.
    long blocks = Math.max(1, (size + BLOCK - 1) / BLOCK);
    message(
        "B", record.oid().toBytes(), record.tid().toBytes(), "", dataTid(record.dataTid()), blocks);
    output.write(data);
    long left = size;
    for (long i = 0; i < blocks; i++) {
      int expected = (int) Math.min(left, BLOCK);
      readBlock(content, expected, file);
      output.write(block(), 0, expected);
      left -= expected;
    }
  }

  private static long sizeOf(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private void readBlock(InputStream content, int length, Path file) {
    try {
      if (content.readNBytes(block(), 0, length) < length) {
        throw new EOFException("it became shorter");
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static Object dataTid(@Nullable Tid tid) {
    return tid == null ? PyNone.NONE : tid.toBytes();
  }

  private void message(String type, Object... fields) throws IOException {
    write(pickle, type, fields);
    output.write(pickle.buffer(), 0, pickle.size());
  }

  private static void write(PickleWriter writer, String type, Object... fields) {
    writer.reset();
    writer.write(PyTuple.of(type, PyTuple.of(Arrays.copyOf(fields, fields.length))));
  }
}
