package dev.zrs.storage;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The state that the next transaction builds on, pending transactions included: what conflict
 * checks and undo see. Under the commit lock.
 *
 * @param file the present data file
 * @param index its visible objects
 * @param pending what is to become visible
 * @param end where the next transaction will begin
 * @param backPointerFloor back-pointers must not lead to positions before this one, because a pack
 *     that is under way may leave out what stands there; 0 without one
 * @param base what is seen of objects that the file does not have, if it holds changes only
 */
record LatestState(
    DataFile file,
    ObjectIndex index,
    PendingTransactions pending,
    long end,
    long backPointerFloor,
    @Nullable Storage base) {

  /** Position of the object's newest record; 0 if there is none. */
  long position(Oid oid) {
    long position = pending.position(oid.value());
    return position != 0 ? position : index.get(oid.value());
  }

  /** The object's newest record; null if there is none. */
  @Nullable DataHeader header(Oid oid) {
    long position = position(oid);
    return position == 0 ? null : file.dataHeader(position, oid.value());
  }

  /**
   * The object's current state in the base, if it is that which the next transaction sees; null if
   * there is none.
   *
   * @param header the object's newest record in the file, if there is one
   */
  @Nullable Tid baseSerial(Oid oid, @Nullable DataHeader header) {
    if (base == null || (header != null && !file.isDeletion(header))) {
      return null;
    }
    try {
      return base.currentSerial(oid);
    } catch (NoSuchObjectException e) {
      return null;
    }
  }

  /** An object's revision in the base; null if there is none. */
  byte @Nullable [] baseData(Oid oid, Tid serial) {
    if (base == null) {
      return null;
    }
    try {
      return base.loadSerial(oid, serial);
    } catch (NoSuchObjectException e) {
      return null;
    }
  }

  /** What an object goes back to that the file does not have; null if that is nothing. */
  @Nullable Revision baseRevision(Oid oid) {
    if (base == null) {
      return null;
    }
    try {
      return base.loadBefore(oid, Tid.MAX);
    } catch (NoSuchObjectException e) {
      return null;
    }
  }

  /**
   * The file of a blob in the base.
   *
   * @throws StorageException if it is missing
   */
  Path baseBlob(Oid oid, Tid serial) {
    return Optional.ofNullable(base)
        .flatMap(storage -> storage.blobFile(oid, serial))
        .orElseThrow(
            () ->
                new StorageException(
                    ("the blob file of object %s, transaction %s, is missing in the base, so that"
                            + " it can't be taken back to")
                        .formatted(oid, serial)));
  }

  /** Whether a back-pointer may lead to {@code position}. */
  boolean canPointTo(long position) {
    return position >= backPointerFloor;
  }
}
