package dev.zrs.server.config;

/** What a storage section says. */
public sealed interface StorageConfig
    permits DemoStorageConfig, FileStorageConfig, MappingStorageConfig, ZrsConfig {}
