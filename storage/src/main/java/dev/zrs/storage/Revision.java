package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/**
 * The state of an object over a stretch of time.
 *
 * @param data the record's pickles; the receiver's own
 * @param serial the transaction that wrote it
 * @param end the transaction that wrote the next one; null while this is the current state
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Revision(byte[] data, Tid serial, @Nullable Tid end) {}
