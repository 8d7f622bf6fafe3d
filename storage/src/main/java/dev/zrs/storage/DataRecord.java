package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/**
 * A data record as iteration gives it.
 *
 * @param oid the object
 * @param tid its serial
 * @param data the pickles, also where the file has a back-pointer to them; null where the object's
 *     creation is undone or the object is deleted
 * @param dataTid where the file has a back-pointer: the transaction of the record it points to (one
 *     link back, which may be a back-pointer again); null otherwise
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record DataRecord(Oid oid, Tid tid, byte @Nullable [] data, @Nullable Tid dataTid) {}
