package dev.zrs.zeo;

import dev.zrs.storage.Printable;

/** A peer broke the protocol; its connection ends, and nothing else does. */
final class ProtocolException extends ZeoException {
  private static final long serialVersionUID = 1;

  ProtocolException(String message) {
    super(Printable.of(message));
  }
}
