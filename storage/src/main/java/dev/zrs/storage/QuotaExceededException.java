package dev.zrs.storage;

/** The file would grow beyond the quota that it was given. */
public final class QuotaExceededException extends StorageException {
  private static final long serialVersionUID = 1;

  QuotaExceededException() {
    super("The storage quota has been exceeded.");
  }
}
