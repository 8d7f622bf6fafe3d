package dev.zrs.server.config;

import java.util.Optional;

/** What a storage section says. */
public sealed interface StorageConfig
    permits DemoStorageConfig,
        FileStorageConfig,
        MappingStorageConfig,
        LayeredStorageConfig,
        ZrsConfig {
  /** How it is replicated, if it is. */
  default Optional<ZrsConfig> replication() {
    return switch (this) {
      case ZrsConfig zrs -> Optional.of(zrs);
      case LayeredStorageConfig layered -> layered.base().replication();
      case DemoStorageConfig demo -> Optional.empty();
      case FileStorageConfig file -> Optional.empty();
      case MappingStorageConfig mapping -> Optional.empty();
    };
  }
}
