package dev.zrs.storage;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a file storage is opened.
 *
 * @param file the {@code Data.fs}; created if it does not exist, unless read-only
 * @param readOnly take no lock, write nothing
 * @param blobDirectory where blobs live; without it the storage has none
 */
public record StorageOptions(Path file, boolean readOnly, Optional<Path> blobDirectory) {
  /** A writable storage without blobs. */
  public static StorageOptions of(Path file) {
    return new StorageOptions(file, false, Optional.empty());
  }

  public StorageOptions withReadOnly(boolean value) {
    return new StorageOptions(file, value, blobDirectory);
  }

  public StorageOptions withBlobDirectory(Path directory) {
    return new StorageOptions(file, readOnly, Optional.of(directory));
  }
}
