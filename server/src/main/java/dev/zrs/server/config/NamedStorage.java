package dev.zrs.server.config;

/**
 * A storage and the name under which ZEO clients ask for it.
 *
 * @param name lower case; {@code 1} if the section has none
 */
public record NamedStorage(String name, StorageConfig storage) {}
