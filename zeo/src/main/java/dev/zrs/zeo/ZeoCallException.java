package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyTuple;
import java.util.stream.Collectors;

/**
 * A call that the server answered with an exception. The connection is as good as before. The class
 * of the exception is a name and nothing else: nothing is looked up.
 */
public final class ZeoCallException extends ZeoException {
  private static final long serialVersionUID = 1;

  private final String className;
  private final transient Object arguments;

  ZeoCallException(String method, String className, Object arguments) {
    super("%s: %s%s".formatted(method, className, text(arguments)));
    this.className = className;
    this.arguments = arguments;
  }

  private static String text(Object arguments) {
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
