package dev.zrs.storage;

/** A write to a storage that is read-only (ZODB's ReadOnlyError). */
public final class ReadOnlyStorageException extends StorageException {
  private static final long serialVersionUID = 1;

  public ReadOnlyStorageException(String message) {
    super(message);
  }
}
