package dev.zrs.replication;

import org.jspecify.annotations.Nullable;

/** Replication can't go on, or can't begin; the message is one line that an operator can act on. */
public sealed class ReplicationException extends RuntimeException permits DivergedException {
  private static final long serialVersionUID = 1;

  public ReplicationException(String message) {
    super(message);
  }

  public ReplicationException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
