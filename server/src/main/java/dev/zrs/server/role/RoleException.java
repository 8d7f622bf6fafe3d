package dev.zrs.server.role;

import org.jspecify.annotations.Nullable;

/** A role can't be had, or can't be known; the message is for the operator. */
public final class RoleException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RoleException(String message) {
    super(message);
  }

  public RoleException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
