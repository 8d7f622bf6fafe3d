package dev.zrs.zeo;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyStr8;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.Unpickler;
import dev.zrs.storage.CurrentRecord;
import dev.zrs.storage.HistoryEntry;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Storage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.UndoableTransaction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * The requests that look back: history, undoLog, undoInfo, record_iternext. The answers are lists
 * of dicts in the form of ZODB's FileStorage. Any thread may call.
 */
final class HistoryMethods {
  private static final long DEFAULT_LAST = -20;

  /** A list of more transactions would fill the memory of both sides. */
  private static final int MAX_UNDOABLE = 100_000;

  private final Storage storage;
  private final Abilities abilities;
  private final BooleanSupplier gone;

  /**
   * @param gone whether the client waits for nothing any more
   */
  HistoryMethods(Storage storage, Abilities abilities, BooleanSupplier gone) {
    this.storage = storage;
    this.abilities = abilities;
    this.gone = gone;
  }

  Object history(Request request) {
    request.expect(1, 2);
    if (Py.isNone(request.argument(0))) {
      // To Python's storage in memory None is one more oid that it does not have.
      throw new RequestException(RemoteError.posKeyError(PyNone.NONE));
    }
    Oid oid = request.oid(0);
    long size = request.integer(1, 1);
    PyList entries = new PyList();
    for (HistoryEntry entry : storage.history(oid, Math.clamp(size, 0, Integer.MAX_VALUE))) {
      PyDict fields = extension(entry.metadata());
      fields.put("time", entry.tid().toEpochSeconds());
      fields.put("user_name", entry.metadata().user());
      fields.put("description", entry.metadata().description());
      fields.put("tid", entry.tid().toBytes());
      fields.put("size", entry.size());
      entries.items().add(fields);
    }
    return entries;
  }

  Object undoLog(Request request) {
    request.expect(0, 2);
    return undoable(request, new PyDict());
  }

  Object undoInfo(Request request) {
    request.expect(0, 3);
    Object wanted = request.arguments().size() < 3 ? PyNone.NONE : request.argument(2);
    if (Py.isNone(wanted)) {
      return undoable(request, new PyDict());
    }
    if (!(wanted instanceof PyDict specification)) {
      throw request.wrongKind(2, "a dict or None");
    }
    return undoable(request, specification);
  }

  private Object undoable(Request request, PyDict specification) {
    if (!abilities.undo()) {
      return PyTuple.of();
    }
    long first = request.integer(0, 0);
    long last = request.integer(1, DEFAULT_LAST);
    // A negative number says how many are wanted.
    long end = last < 0 ? first - last : last;
    PyList entries = new PyList();
    for (UndoableTransaction transaction :
        storage.undoLog(first, end, counted(first, specification))) {
      entries.items().add(describe(transaction));
    }
    return entries;
  }

  /** Which transactions count, and an end where nobody wants to know or there are too many. */
  private Predicate<UndoableTransaction> counted(long first, PyDict specification) {
    AtomicLong found = new AtomicLong();
    return transaction -> {
      if (gone.getAsBoolean()) {
        throw new StorageException("the client has gone");
      }
      boolean matches = matches(describe(transaction), specification);
      if (matches && found.incrementAndGet() - first > MAX_UNDOABLE) {
        throw new RequestException(
            RemoteError.storageError(
                "more than " + MAX_UNDOABLE + " transactions; ask for them in parts"));
      }
      return matches;
    };
  }

  private static PyDict describe(UndoableTransaction transaction) {
    PyDict fields = new PyDict();
    fields.put("id", undoId(transaction.tid()));
    fields.put("time", transaction.tid().toEpochSeconds());
    fields.put("user_name", transaction.metadata().user());
    fields.put("size", transaction.length());
    fields.put("description", transaction.metadata().description());
    extension(transaction.metadata())
        .entries()
        .forEach(entry -> fields.put(entry.key(), entry.value()));
    return fields;
  }

  /** What a client names a transaction by that it wants to undo. */
  private static byte[] undoId(Tid tid) {
    return Base64.getEncoder().encode(tid.toBytes());
  }

  /** The transaction that such a name stands for. */
  static Tid ofUndoId(Request request, int index) {
    byte[] text =
        switch (request.argument(index)) {
          case byte[] bytes -> bytes;
          case String string -> string.getBytes(StandardCharsets.ISO_8859_1);
          default -> throw request.wrongKind(index, "bytes");
        };
    try {
      byte[] tid = Base64.getMimeDecoder().decode(text);
      if (tid.length == Tid.BYTES) {
        return Tid.of(tid);
      }
    } catch (IllegalArgumentException e) {
      throw new RequestException(RemoteError.undoError("Invalid transaction id: " + e));
    }
    throw new RequestException(RemoteError.undoError("Invalid transaction id"));
  }

  private static boolean matches(PyDict fields, PyDict specification) {
    for (PyDict.Entry wanted : specification.entries()) {
      Object value = wanted.key() instanceof String key ? fields.get(key) : null;
      if (!isEqual(value == null ? PyNone.NONE : value, wanted.value())) {
        return false;
      }
    }
    return true;
  }

  private static boolean isEqual(Object one, Object other) {
    if (one instanceof byte[] bytes) {
      return other instanceof byte[] same
          ? Arrays.equals(bytes, same)
          : other instanceof PyStr8 str && Arrays.equals(bytes, str.bytes());
    }
    if (one instanceof Number number && other instanceof Number same) {
      return number.equals(same) || number.doubleValue() == same.doubleValue();
    }
    return one.equals(other);
  }

  /** The items of a transaction's extension; none if it can't be read. */
  static PyDict extension(TransactionMetadata metadata) {
    if (metadata.extension().length == 0) {
      return new PyDict();
    }
    try {
      return Unpickler.load(metadata.extension()) instanceof PyDict items ? items : new PyDict();
    } catch (PickleException e) {
      // Python's undoLog leaves it out, too: it is the application's, and nothing depends on it.
      return new PyDict();
    }
  }

  /** For going through all objects. */
  Object recordNext(Request request) {
    request.expect(0, 1);
    if (!Abilities.of(storage).records()) {
      throw new RequestException(
          RemoteError.builtin(
              "AttributeError", "'ZEOStorage' object has no attribute 'record_iternext'"));
    }
    boolean first = request.arguments().isEmpty() || Py.isNone(request.argument(0));
    CurrentRecord record = storage.recordFrom(first ? Oid.ROOT : request.oid(0));
    if (record == null) {
      throw new RequestException(RemoteError.builtin("ValueError", "empty tree"));
    }
    Oid next = record.next();
    return PyTuple.of(
        record.oid().toBytes(),
        record.tid().toBytes(),
        record.data(),
        next == null ? PyNone.NONE : next.toBytes());
  }
}
