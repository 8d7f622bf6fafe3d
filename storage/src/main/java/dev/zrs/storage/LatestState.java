package dev.zrs.storage;

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
 */
record LatestState(
    DataFile file,
    ObjectIndex index,
    PendingTransactions pending,
    long end,
    long backPointerFloor) {

  /** Position of the object's newest record; 0 if there is none. */
  long position(Oid oid) {
    long position = pending.position(oid.value());
    return position != 0 ? position : index.get(oid.value());
  }

  /** Whether a back-pointer may lead to {@code position}. */
  boolean canPointTo(long position) {
    return position >= backPointerFloor;
  }
}
