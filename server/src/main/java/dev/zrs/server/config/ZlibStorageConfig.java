package dev.zrs.server.config;

/**
 * A {@code <zlibstorage>}: its records are compressed in the file, and plain to clients.
 *
 * @param compress whether new records are compressed
 */
public record ZlibStorageConfig(StorageConfig base, boolean compress) implements StorageConfig {}
