package dev.zrs.storage;

/**
 * A transaction that may be taken back.
 *
 * @param tid the transaction
 * @param metadata as it was committed
 * @param length of its record in the file, without the redundant length at its end, in bytes
 */
public record UndoableTransaction(Tid tid, TransactionMetadata metadata, long length) {}
