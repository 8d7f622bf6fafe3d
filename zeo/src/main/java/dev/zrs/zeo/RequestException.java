package dev.zrs.zeo;

import dev.zrs.pickle.PyTuple;

/** A request can't be served; the client gets an error, which is not the server's fault. */
final class RequestException extends ZeoException {
  private static final long serialVersionUID = 1;

  private final transient RemoteError error;

  RequestException(RemoteError error) {
    super(Printable.of(error.className() + " " + text(error)));
    this.error = error;
  }

  private static String text(RemoteError error) {
    return error.arguments() instanceof PyTuple tuple ? tuple.items().toString() : "";
  }

  RemoteError error() {
    return error;
  }
}
