package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyTuple;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A call that the server answered with an exception. The connection is as good as before. The class
 * of the exception is a name and nothing else: nothing is looked up.
 */
public sealed class ZeoCallException extends ZeoException
    permits ZeoConflictException, ZeoNoObjectException {
  private static final long serialVersionUID = 1;

  /** What Python's servers send for an object that somebody else has changed. */
  private static final Set<String> CONFLICTS =
      Set.of(
          "ZODB.POSException.ConflictError",
          "ZODB.POSException.ReadConflictError",
          "BTrees.Interfaces.BTreesConflictError");

  private final String className;
  private final transient Object arguments;

  ZeoCallException(String method, String className, Object arguments) {
    this(method, className, arguments, text(arguments));
  }

  ZeoCallException(String method, String className, Object arguments, String text) {
    super("%s: %s%s".formatted(method, className, text));
    this.className = className;
    this.arguments = arguments;
  }

  /** The exception for what a server has answered. */
  static ZeoCallException of(String method, String className, Object arguments) {
    if (CONFLICTS.contains(className) && arguments instanceof PyDict fields) {
      return new ZeoConflictException(method, className, fields);
    }
    return className.equals("ZODB.POSException.POSKeyError")
        ? new ZeoNoObjectException(method, className, arguments)
        : new ZeoCallException(method, className, arguments);
  }

  static String text(Object arguments) {
    if (!(arguments instanceof PyTuple tuple)) {
      return "";
    }
    return tuple.items().stream()
        .map(each -> each instanceof String text ? text : Py.describe(each))
        .collect(Collectors.joining(", ", "(", ")"));
  }

  /** Module and name of the Python class, such as {@code ZODB.POSException.ReadOnlyError}. */
  public String className() {
    return className;
  }

  /** The exception's tuple of arguments or its dict, as values of the pickle module. */
  public Object arguments() {
    return arguments;
  }
}
