package dev.zrs.storage;

/**
 * The transactions behind a position.
 *
 * @param transactions how many
 * @param exact whether that is all; else there are more, which were not counted
 * @param bytes in the file
 */
public record Backlog(long transactions, boolean exact, long bytes) {}
