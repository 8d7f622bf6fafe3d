package dev.zrs.storage;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One step of a transaction, as a {@link TransactionBuffer} keeps it until the vote. */
sealed interface RecordOperation {

  /** A client's new state of an object; {@code serial} is what it was based on. */
  record Store(Oid oid, Tid serial, BufferedData data, @Nullable Path blob)
      implements RecordOperation {}

  /** The object is to be no more; {@code serial} is what the client knows of it. */
  record Delete(Oid oid, Tid serial) implements RecordOperation {}

  /** The transaction is to be taken back. */
  record Undo(Tid tid) implements RecordOperation {}

  /** The object must still have this serial. */
  record CheckCurrent(Oid oid, Tid serial) implements RecordOperation {}

  /**
   * A record of another storage, taken over as it is; null data undo the creation. {@code dataTid}
   * names the transaction that the other storage has the data in, if not in this one.
   */
  record Restore(
      Oid oid, Tid serial, @Nullable BufferedData data, @Nullable Tid dataTid, @Nullable Path blob)
      implements RecordOperation {}
}
