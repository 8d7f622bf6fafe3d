package dev.zrs.zeo;

import java.io.IOException;

/** A ZEO server can't be reached. The cause says why, as the system says it. */
public final class ZeoConnectException extends ZeoException {
  private static final long serialVersionUID = 1;

  ZeoConnectException(String peer, IOException reason) {
    super("can't connect to %s: %s".formatted(peer, reason.getMessage()), reason);
  }
}
