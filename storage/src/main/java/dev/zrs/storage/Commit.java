package dev.zrs.storage;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A committed transaction, as the commit feed tells it.
 *
 * @param tid the transaction
 * @param oids what it changed; each once
 * @param origin what {@link FileStorage#begin} was given; null for one read from the file
 */
public record Commit(Tid tid, List<Oid> oids, @Nullable Object origin) {}
