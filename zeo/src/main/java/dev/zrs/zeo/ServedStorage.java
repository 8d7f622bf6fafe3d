package dev.zrs.zeo;

import dev.zrs.storage.Storage;
import java.util.function.BooleanSupplier;

/**
 * A storage as a ZEO server offers it.
 *
 * @param storage the storage; whoever opened it closes it, after the server
 * @param gate whether clients may write
 */
public record ServedStorage(Storage storage, WriteGate gate) {
  /** One that stays read-only, or writable. */
  public ServedStorage(Storage storage, boolean readOnly) {
    this(storage, WriteGate.fixed(readOnly));
  }

  boolean isReadOnly() {
    return gate.refuses() || storage.isReadOnly();
  }

  /** As {@link WriteGate#awaitWrites}. */
  boolean awaitWrites(BooleanSupplier gone) {
    return !storage.isReadOnly() && gate.awaitWrites(gone);
  }
}
