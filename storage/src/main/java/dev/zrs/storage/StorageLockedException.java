package dev.zrs.storage;

import java.nio.file.Path;

/** Another process has the storage open for writing. */
public final class StorageLockedException extends StorageException {
  private static final long serialVersionUID = 1;

  StorageLockedException(Path lockFile, String holder) {
    super(
        "%s is locked: another process%s has this database open (runzeo, zrs or a script)"
            .formatted(lockFile, holder.isBlank() ? "" : " (pid " + holder.strip() + ")"));
  }
}
