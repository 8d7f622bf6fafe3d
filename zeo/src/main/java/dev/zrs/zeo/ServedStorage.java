package dev.zrs.zeo;

import dev.zrs.storage.FileStorage;

/**
 * A storage as a ZEO server offers it.
 *
 * @param storage the storage; whoever opened it closes it, after the server
 * @param readOnly refuse all writes: the storage of a secondary, or one that is served read-only
 */
public record ServedStorage(FileStorage storage, boolean readOnly) {
  boolean isReadOnly() {
    return readOnly || storage.isReadOnly();
  }
}
