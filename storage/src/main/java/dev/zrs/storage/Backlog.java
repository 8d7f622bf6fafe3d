package dev.zrs.storage;

import java.util.Optional;

/**
 * The transactions behind a position.
 *
 * @param transactions how many
 * @param exact whether that is all; else there are more, which were not counted
 * @param bytes in the file
 * @param first the oldest of them; empty if there are none
 */
public record Backlog(long transactions, boolean exact, long bytes, Optional<Tid> first) {}
