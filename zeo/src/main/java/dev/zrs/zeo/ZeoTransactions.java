package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The transactions of a storage in the order of their tids, read from a server one at a time. For
 * the client's thread; other calls in between are fine.
 */
public final class ZeoTransactions implements AutoCloseable {
  /**
   * A transaction.
   *
   * @param status a blank, or {@code p} for one that was packed
   * @param user as its client gave it; the array is not copied
   * @param description as its client gave it; the array is not copied
   * @param extension what else its client gave, as a value of the pickle module
   */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  public record Transaction(
      Tid tid, char status, byte[] user, byte[] description, Object extension) {}

  /**
   * A data record.
   *
   * @param data empty for an object that was deleted, or whose creation was undone; the array is
   *     not copied
   * @param dataTid the transaction that the data is from, if this one only refers to it
   */
  public record DataRecord(Oid oid, Tid tid, Optional<byte[]> data, Optional<Tid> dataTid) {}

  private final ZeoClient client;
  private final long iterator;
  private Optional<Tid> current = Optional.empty();
  private boolean ended;

  ZeoTransactions(ZeoClient client, long iterator) {
    this.client = client;
    this.iterator = iterator;
  }

  /** The next transaction; empty at the end. */
  public Optional<Transaction> next() {
    if (ended) {
      return Optional.empty();
    }
    Object reply = client.call("iterator_next", iterator);
    if (Py.isNone(reply)) {
      // The server forgets an iterator that has come to its end.
      ended = true;
      return Optional.empty();
    }
    Transaction transaction = client.parse("iterator_next", reply, ZeoTransactions::transaction);
    current = Optional.of(transaction.tid());
    return Optional.of(transaction);
  }

  private static Transaction transaction(Object reply) {
    PyTuple parts = Py.asTuple(reply, 5);
    String status = Py.asText(parts.get(1));
    return new Transaction(
        Tid.of(Py.asBytes(parts.get(0))),
        status.isEmpty() ? ' ' : status.charAt(0),
        Py.asBytes(parts.get(2)),
        Py.asBytes(parts.get(3)),
        parts.get(4));
  }

  /**
   * The records of the transaction that {@link #next} has given; all of them are in memory. Once
   * for each transaction.
   *
   * @throws IllegalStateException if there is none
   */
  public List<DataRecord> records() {
    Tid tid = current.orElseThrow(() -> new IllegalStateException("there is no transaction"));
    current = Optional.empty();
    long records = client.number("iterator_record_start", iterator, tid);
    List<DataRecord> found = new ArrayList<>();
    while (true) {
      Object reply = client.call("iterator_record_next", records);
      if (Py.isNone(reply)) {
        return found;
      }
      found.add(client.parse("iterator_record_next", reply, ZeoTransactions::record));
    }
  }

  private static DataRecord record(Object reply) {
    PyTuple parts = Py.asTuple(reply, 4);
    return new DataRecord(
        Oid.of(Py.asBytes(parts.get(0))),
        Tid.of(Py.asBytes(parts.get(1))),
        bytes(parts.get(2)),
        bytes(parts.get(3)).map(Tid::of));
  }

  private static Optional<byte[]> bytes(Object value) {
    return value == PyNone.NONE ? Optional.empty() : Optional.of(Py.asBytes(value));
  }

  /** Tells the server to forget it. */
  @Override
  public void close() {
    if (!ended && !client.isClosed()) {
      ended = true;
      client.cast("iterator_gc", PyTuple.of(iterator));
    }
  }
}
