package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.DataRecord;
import dev.zrs.storage.RecordReader;
import dev.zrs.storage.Storage;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionRecord;
import dev.zrs.storage.Transactions;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A client's iterators over transactions, and over the records of one. Their numbers are its own;
 * one that came to its end, or that the client has given up, is a KeyError. For one thread.
 */
final class IteratorMethods {
  /** How many iterators one client may have; each has a buffer of some 16 KiB. */
  static final int MAX_ITERATORS = 1_000;

  private static final char STATUS_UNDONE = 'u';

  private final Storage storage;
  private final Map<Object, Iterator> transactions = new HashMap<>();
  private final Map<Object, RecordReader> records = new HashMap<>();
  private long nextId;

  private static final class Iterator {
    private final Transactions reader;
    private @Nullable Tid last;

    Iterator(Transactions reader) {
      this.reader = reader;
    }
  }

  IteratorMethods(Storage storage) {
    this.storage = storage;
  }

  Object start(Request request) {
    request.expect(0, 2);
    Tid start = request.tidOrNone(0);
    Tid stop = request.tidOrNone(1);
    requireRoom();
    transactions.put(
        nextId,
        new Iterator(
            storage.transactions(start == null ? Tid.NONE : start, stop == null ? Tid.MAX : stop)));
    return nextId++;
  }

  private void requireRoom() {
    if (transactions.size() + records.size() >= MAX_ITERATORS) {
      throw new RequestException(
          RemoteError.storageError("more than " + MAX_ITERATORS + " iterators are open"));
    }
  }

  Object next(Request request) {
    request.expect(1, 1);
    Object id = request.argument(0);
    Iterator iterator = transactions.get(id);
    if (iterator == null) {
      throw unknown(id);
    }
    TransactionRecord transaction = iterator.reader.next();
    while (transaction != null && transaction.status() == STATUS_UNDONE) {
      transaction = iterator.reader.next();
    }
    if (transaction == null) {
      transactions.remove(id);
      iterator.reader.close();
      return PyNone.NONE;
    }
    iterator.last = transaction.tid();
    return PyTuple.of(
        transaction.tid().toBytes(),
        String.valueOf(transaction.status()),
        transaction.metadata().user(),
        transaction.metadata().description(),
        HistoryMethods.extension(transaction.metadata()));
  }

  Object startRecords(Request request) {
    request.expect(2, 2);
    Object id = request.argument(0);
    Tid tid = request.tid(1);
    Iterator iterator = transactions.get(id);
    if (iterator == null || iterator.last == null) {
      throw unknown(id);
    }
    if (!tid.equals(iterator.last)) {
      throw new RequestException(
          RemoteError.builtin(
              "Exception",
              "Out-of-order request for record iterator for transaction "
                  + new String(tid.toBytes(), StandardCharsets.ISO_8859_1)));
    }
    requireRoom();
    records.put(nextId, iterator.reader.records());
    return nextId++;
  }

  Object nextRecord(Request request) {
    request.expect(1, 1);
    Object id = request.argument(0);
    RecordReader reader = records.get(id);
    if (reader == null) {
      throw unknown(id);
    }
    DataRecord record = reader.next();
    if (record == null) {
      records.remove(id);
      reader.close();
      return PyNone.NONE;
    }
    byte[] data = record.data();
    Tid dataTid = record.dataTid();
    return PyTuple.of(
        record.oid().toBytes(),
        record.tid().toBytes(),
        data == null ? PyNone.NONE : data,
        dataTid == null ? PyNone.NONE : dataTid.toBytes());
  }

  Object forget(Request request) {
    request.expect(1, 1);
    for (Object id : Py.asSequence(request.argument(0))) {
      Iterator iterator = transactions.remove(id);
      if (iterator != null) {
        iterator.reader.close();
      }
      RecordReader reader = records.remove(id);
      if (reader != null) {
        reader.close();
      }
    }
    return PyNone.NONE;
  }

  private static RequestException unknown(Object id) {
    return new RequestException(
        new RemoteError("builtins.KeyError", PyTuple.of(id instanceof Long ? id : PyNone.NONE)));
  }

  /** Lets go of all of them. */
  void close() {
    transactions.values().forEach(iterator -> iterator.reader.close());
    transactions.clear();
    records.values().forEach(RecordReader::close);
    records.clear();
  }
}
