package dev.zrs.storage;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An operation of the storage failed; the message is one line that an operator can act on. */
public class StorageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public StorageException(String message) {
    super(message);
  }

  public StorageException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** What went wrong; never null. */
  @Override
  public String getMessage() {
    return Objects.requireNonNullElse(super.getMessage(), "");
  }
}
