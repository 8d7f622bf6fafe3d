package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An object was changed by somebody else since it was read: the transaction is to be aborted, and
 * may be tried again with what is current then.
 */
public final class ZeoConflictException extends ZeoCallException {
  private static final long serialVersionUID = 1;

  private final transient Optional<Oid> oid;
  private final transient Optional<Tid> committed;
  private final transient Optional<Tid> read;

  ZeoConflictException(String method, String className, PyDict fields) {
    super(method, className, fields, text(fields));
    oid = oid(fields.get("oid"));
    PyTuple serials =
        fields.get("serials") instanceof PyTuple pair && pair.size() == 2 ? pair : PyTuple.EMPTY;
    committed = serials.size() == 0 ? Optional.empty() : tid(serials.get(0));
    read = serials.size() == 0 ? Optional.empty() : tid(serials.get(1));
  }

  private static String text(PyDict fields) {
    String object = oid(fields.get("oid")).map(each -> " (oid " + each + ")").orElse("");
    return ": %s%s"
        .formatted(fields.get("message") instanceof String message ? message : "conflict", object);
  }

  private static Optional<Oid> oid(@Nullable Object value) {
    return value instanceof byte[] bytes && bytes.length == Oid.BYTES
        ? Optional.of(Oid.of(bytes))
        : Optional.empty();
  }

  private static Optional<Tid> tid(Object value) {
    return !Py.isNone(value) && value instanceof byte[] bytes && bytes.length == Tid.BYTES
        ? Optional.of(Tid.of(bytes))
        : Optional.empty();
  }

  /** The object, if the server names it. */
  public Optional<Oid> oid() {
    return oid;
  }

  /** The serial that is current. */
  public Optional<Tid> committed() {
    return committed;
  }

  /** The serial that the transaction was made with. */
  public Optional<Tid> read() {
    return read;
  }
}
