package dev.zrs.replication;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleLimits;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyInstance;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.Unpickler;
import dev.zrs.storage.Oid;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionMetadata;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A message of the stream, read as data: whatever the upstream writes, no class is looked up.
 * Immutable.
 */
sealed interface StreamMessage {
  /**
   * Less than for data records: what can be long in a message is the extension. It has 64 KiB in
   * the file, which is enough for 160,000 values as they are counted here: the call that stands for
   * bytes counts as five.
   */
  PickleLimits LIMITS = new PickleLimits(PickleLimits.DEFAULT_MAX_DEPTH, 200_000);

  /** Of what a peer has sent, in a message. */
  int MAX_SHOWN = 200;

  /** The status of a transaction that is being written: at the next start it would be cut off. */
  char UNFINISHED = 'c';

  /** The status of a transaction that readers skip; no primary sends one. */
  char UNDONE = 'u';

  /** T: a transaction begins. */
  record Begin(Tid tid, char status, TransactionMetadata metadata) implements StreamMessage {}

  /**
   * S or B: a data record; its data are the next frame, then come the blocks of a blob.
   *
   * @param blocks how many; -1 for a record without a blob
   */
  record RecordHeader(Oid oid, Tid serial, @Nullable Tid dataTid, long blocks)
      implements StreamMessage {
    boolean hasBlob() {
      return blocks >= 0;
    }
  }

  /**
   * C: the transaction is complete.
   *
   * @param checksum of the stream so far; null from a very old primary, which sends none
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Commit(byte @Nullable [] checksum) implements StreamMessage {}

  /**
   * Reads a message.
   *
   * @throws ReplicationException if it is none
   */
  static StreamMessage parse(byte[] frame) {
    if (isZeoGreeting(frame)) {
      throw new ReplicationException(
          "at the address of the upstream is a ZEO server; replicate-from needs its replicate-to");
    }
    try {
      Object value = new Unpickler(frame, 0, frame.length, LIMITS).load();
      PyTuple message = Py.asTuple(value, 2);
      String type = Py.asText(message.get(0));
      PyTuple fields = Py.asTuple(message.get(1));
      return switch (type) {
        case "T" -> begin(fields);
        case "S" -> record(fields, 4);
        case "B" -> record(fields, 5);
        case "C" -> new Commit(fields.size() == 0 ? null : Py.asBytes(fields.get(0)));
        default -> throw new ReplicationException("Invalid message type, '" + shown(type) + "'");
      };
    } catch (PickleException | StorageException | IllegalArgumentException e) {
      throw new ReplicationException(
          "this is no message: " + shown(String.valueOf(e.getMessage())), e);
    }
  }

  /**
   * A text in which a peer may have written, for the log: short, and without control characters.
   */
  private static String shown(String text) {
    String begin = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text;
    return begin.replaceAll("\\p{Cntrl}", "?");
  }

  /** Z5, M5 and the like, which a ZEO server says at once. */
  private static boolean isZeoGreeting(byte[] frame) {
    return frame.length == 2
        && (frame[0] == 'Z' || frame[0] == 'M')
        && frame[1] >= '0'
        && frame[1] <= '9';
  }

  private static Begin begin(PyTuple fields) {
    if (fields.size() != 5) {
      throw new ReplicationException("a transaction message has 5 fields, not " + fields.size());
    }
    byte[] status = textBytes(fields.get(1));
    if (status.length != 1) {
      throw new ReplicationException("a status has one character, not " + status.length);
    }
    if (status[0] == UNFINISHED || status[0] == UNDONE) {
      throw new ReplicationException(
          "a transaction with status '%c' can't be replicated".formatted((char) status[0]));
    }
    // By its meaning a dict; what a program pickles as some other object is data all the same.
    Object extension =
        fields.get(4) instanceof PyInstance object ? object : Py.asDict(fields.get(4));
    boolean isEmpty = extension instanceof PyDict dict && dict.size() == 0;
    return new Begin(
        Tid.of(Py.asBytes(fields.get(0))),
        (char) (status[0] & 0xff),
        new TransactionMetadata(
            textBytes(fields.get(2)),
            textBytes(fields.get(3)),
            isEmpty ? new byte[0] : PickleWriter.memoized(3).write(extension).toByteArray()));
  }

  private static RecordHeader record(PyTuple fields, int size) {
    if (fields.size() != size) {
      throw new ReplicationException(
          "a record message has %d fields, not %d".formatted(size, fields.size()));
    }
    if (textBytes(fields.get(2)).length > 0) {
      throw new ReplicationException("a record in a version, which no storage has any more");
    }
    Object dataTid = fields.get(3);
    long blocks = size == 5 ? Py.asLong(fields.get(4)) : -1;
    if (size == 5 && blocks < 0) {
      throw new ReplicationException("a blob can't have %d blocks".formatted(blocks));
    }
    return new RecordHeader(
        Oid.of(Py.asBytes(fields.get(0))),
        Tid.of(Py.asBytes(fields.get(1))),
        Py.isNone(dataTid) ? null : Tid.of(Py.asBytes(dataTid)),
        blocks);
  }

  /** A text that Python 2 and 3 send in different ways. */
  private static byte[] textBytes(Object value) {
    return value instanceof String text ? text.getBytes(StandardCharsets.UTF_8) : Py.asBytes(value);
  }
}
