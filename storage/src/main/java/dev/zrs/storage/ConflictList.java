package dev.zrs.storage;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** The conflicts of one vote, one for each object. For one thread. */
final class ConflictList implements Consumer<ConflictException> {
  /**
   * Bytes of data beyond which the transaction fails for good. Whoever is to resolve the conflicts
   * gets all data at once.
   */
  static final long MAX_BYTES = TransactionBuffer.MEMORY_LIMIT;

  /** What a conflict needs beside its data. */
  private static final int BYTES_EACH = 1024;

  private final Map<Oid, ConflictException> byOid = new LinkedHashMap<>();
  private long bytes;

  /**
   * Keeps a conflict; of an object that is changed twice, as one with a blob is, the last one.
   *
   * @throws ConflictException that very one, if there are too many to be resolved
   */
  @Override
  public void accept(ConflictException conflict) {
    byte[] data = conflict.data();
    bytes += BYTES_EACH + (data == null ? 0 : data.length);
    if (bytes > MAX_BYTES) {
      throw conflict;
    }
    byOid.put(conflict.oid(), conflict);
  }

  boolean isEmpty() {
    return byOid.isEmpty();
  }

  UnresolvedConflicts result() {
    return new UnresolvedConflicts(List.copyOf(byOid.values()));
  }
}
