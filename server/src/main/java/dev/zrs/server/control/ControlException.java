package dev.zrs.server.control;

import org.jspecify.annotations.Nullable;

/** The control socket can't be had, or nobody answers there; the message is for the operator. */
public final class ControlException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ControlException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
