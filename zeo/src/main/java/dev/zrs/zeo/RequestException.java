package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Printable;
import java.math.BigInteger;

/** A request can't be served; the client gets an error, which is not the server's fault. */
final class RequestException extends ZeoException {
  private static final long serialVersionUID = 1;

  private final transient RemoteError error;

  RequestException(RemoteError error) {
    super(Printable.of(error.className() + " " + text(error)));
    this.error = error;
  }

  private static String text(RemoteError error) {
    return error.arguments() instanceof PyTuple tuple
        ? tuple.items().stream().map(RequestException::text).toList().toString()
        : "";
  }

  /** What a client named comes back to it; its digits may be many. */
  private static String text(Object value) {
    return value instanceof BigInteger ? Py.describe(value) : value.toString();
  }

  RemoteError error() {
    return error;
  }
}
