package dev.zrs.zeo;

import dev.zrs.pickle.PickleTypeException;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.RecordPickles;
import dev.zrs.storage.ConflictException;
import dev.zrs.storage.NoSuchObjectException;
import dev.zrs.storage.QuotaExceededException;
import dev.zrs.storage.ReadOnlyStorageException;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.UndoException;
import java.util.List;

/**
 * An exception as a client gets it: the name of the Python class, and the dict of the exception or,
 * if it has none, its arguments (ZEO/asyncio/marshal.py, reduce_exception).
 *
 * @param className module and name
 * @param arguments a {@link PyDict} or {@link PyTuple}
 */
record RemoteError(String className, Object arguments) {
  private static final String POS_EXCEPTION = "ZODB.POSException.";

  static RemoteError storageTransactionError(Object... arguments) {
    return new RemoteError(POS_EXCEPTION + "StorageTransactionError", PyTuple.of(arguments));
  }

  static RemoteError readOnly() {
    return new RemoteError(POS_EXCEPTION + "ReadOnlyError", PyTuple.EMPTY);
  }

  static RemoteError posKeyError(Object... arguments) {
    return new RemoteError(POS_EXCEPTION + "POSKeyError", PyTuple.of(arguments));
  }

  static RemoteError storageError(String message) {
    return new RemoteError(POS_EXCEPTION + "StorageError", PyTuple.of(message));
  }

  /** A transaction as such can't be undone. */
  static RemoteError undoError(String reason) {
    PyDict fields = new PyDict();
    fields.put("_reason", reason);
    fields.put("_oid", PyNone.NONE);
    return new RemoteError(POS_EXCEPTION + "UndoError", fields);
  }

  /**
   * The objects that stand in the way of an undo. Python's server sends exceptions in the list;
   * plain text reaches clients of either protocol in a form that they can print.
   */
  private static RemoteError undoErrors(List<UndoException.Failure> failures) {
    PyList errors = new PyList();
    for (UndoException.Failure failure : failures) {
      errors.items().add(PyTuple.of(failure.oid().toBytes(), failure.reason()));
    }
    PyDict fields = new PyDict();
    fields.put("_reason", failures.getFirst().reason());
    fields.put("_oid", failures.getFirst().oid().toBytes());
    fields.put("_errs", errors);
    return new RemoteError(POS_EXCEPTION + "MultipleUndoErrors", fields);
  }

  /** One of Python's own exceptions. */
  static RemoteError builtin(String name, String message) {
    return new RemoteError("builtins." + name, PyTuple.of(message));
  }

  /** What Python's server would send in the place of this exception. */
  static RemoteError of(RuntimeException exception) {
    return switch (exception) {
      case RequestException request -> request.error();
      case NoSuchObjectException missing -> posKeyError((Object) missing.oid().toBytes());
      case ConflictException conflict -> conflict(conflict);
      case ReadOnlyStorageException readOnly -> readOnly();
      case UndoException undo when undo.failures().isEmpty() -> undoError(undo.reason());
      case UndoException undo -> undoErrors(undo.failures());
      case QuotaExceededException quota ->
          new RemoteError(
              "ZODB.FileStorage.FileStorage.FileStorageQuotaError", PyTuple.of(quota.getMessage()));
      case StorageException other -> storageError(String.valueOf(other.getMessage()));
      case PickleTypeException type -> builtin("TypeError", String.valueOf(type.getMessage()));
      default -> storageError("internal error of the server, see its log: " + exception);
    };
  }

  private static RemoteError conflict(ConflictException conflict) {
    byte[] data = conflict.data();
    PyDict fields = new PyDict();
    fields.put(
        "message",
        conflict.isReadConflict() ? "database read conflict error" : "database conflict error");
    fields.put("oid", conflict.oid().toBytes());
    fields.put("class_name", data == null ? PyNone.NONE : className(data));
    fields.put("serials", PyTuple.of(conflict.committed().toBytes(), conflict.read().toBytes()));
    return new RemoteError(
        POS_EXCEPTION + (conflict.isReadConflict() ? "ReadConflictError" : "ConflictError"),
        fields);
  }

  /** As ZODB.utils.get_pickle_metadata, whose answer for a strange record is two empty names. */
  private static String className(byte[] record) {
    return RecordPickles.classNameOf(record).orElse(".");
  }

  /** Whether Python's server logs nothing about it, as it is a part of normal work. */
  boolean isNormal() {
    return className.startsWith(POS_EXCEPTION)
        && (className.endsWith("ConflictError") || className.endsWith("POSKeyError"));
  }
}
