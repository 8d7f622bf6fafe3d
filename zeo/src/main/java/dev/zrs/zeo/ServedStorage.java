package dev.zrs.zeo;

import dev.zrs.storage.FileStorage;
import java.util.function.BooleanSupplier;

/**
 * A storage as a ZEO server offers it.
 *
 * @param storage the storage; whoever opened it closes it, after the server
 * @param refusesWrites whether all writes are refused now: the storage of a secondary, or one that
 *     is served read-only. Asked from many threads, at each write. Whoever has it turn true must
 *     then end the connections, so that no transaction is left that began before
 */
public record ServedStorage(FileStorage storage, BooleanSupplier refusesWrites) {
  /** One that stays read-only, or writable. */
  public ServedStorage(FileStorage storage, boolean readOnly) {
    this(storage, () -> readOnly);
  }

  boolean isReadOnly() {
    return refusesWrites.getAsBoolean() || storage.isReadOnly();
  }
}
