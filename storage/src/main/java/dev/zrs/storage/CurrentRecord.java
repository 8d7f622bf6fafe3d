package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/**
 * An object's current record, met on the way through all objects.
 *
 * @param oid the object
 * @param tid its serial
 * @param data its pickles
 * @param next the object with the next greater oid; null if this is the last
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record CurrentRecord(Oid oid, Tid tid, byte[] data, @Nullable Oid next) {}
