package dev.zrs.server.config;

/**
 * A {@code <mappingstorage>}: in memory, for trials and tests.
 *
 * @param name what clients are told as the storage's name
 */
public record MappingStorageConfig(String name) implements StorageConfig {}
