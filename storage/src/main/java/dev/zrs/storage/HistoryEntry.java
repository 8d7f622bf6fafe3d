package dev.zrs.storage;

/**
 * One revision of an object.
 *
 * @param tid the transaction that made it
 * @param metadata of that transaction
 * @param size of the object's data in bytes; 0 where the file has a back-pointer, or the object's
 *     creation is undone
 */
public record HistoryEntry(Tid tid, TransactionMetadata metadata, long size) {}
