package dev.zrs.server.config;

import dev.zrs.storage.RecordLayer;

/**
 * A {@code <zlibstorage>} or {@code <hexstorage>}: its records are in another form in the file than
 * clients see.
 */
public record LayeredStorageConfig(StorageConfig base, RecordLayer layer)
    implements StorageConfig {}
