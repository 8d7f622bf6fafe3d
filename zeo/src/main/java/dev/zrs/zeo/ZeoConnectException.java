package dev.zrs.zeo;

import java.io.IOException;

/** A ZEO server can't be reached. */
public final class ZeoConnectException extends ZeoException {
  private static final long serialVersionUID = 1;

  private final IOException reason;

  ZeoConnectException(String peer, IOException reason) {
    super("can't connect to %s: %s".formatted(peer, reason.getMessage()), reason);
    this.reason = reason;
  }

  /** Why not; the message is the system's. */
  public IOException reason() {
    return reason;
  }
}
