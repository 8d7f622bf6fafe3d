package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;

/** The disk refused an operation; names the operation and the file. */
public final class StorageIoException extends StorageException {
  private static final long serialVersionUID = 1;

  StorageIoException(String operation, Path file, IOException cause) {
    super("%s of %s failed: %s".formatted(operation, file, describe(cause)), cause);
  }

  private static String describe(IOException cause) {
    String message = cause.getMessage();
    return message == null ? cause.getClass().getSimpleName() : message;
  }
}
