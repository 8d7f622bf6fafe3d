package dev.zrs.storage;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A committed transaction, as the commit feed tells it.
 *
 * @param tid the transaction
 * @param oids what it changed; each once
 * @param position where its record begins in {@code Data.fs}
 * @param end where the next one begins
 * @param origin what {@link FileStorage#begin} was given; null for one read from the file
 */
public record Commit(Tid tid, List<Oid> oids, long position, long end, @Nullable Object origin) {}
