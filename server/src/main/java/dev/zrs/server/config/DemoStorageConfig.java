package dev.zrs.server.config;

import java.util.Optional;

/**
 * A {@code <demostorage>}: a base that is only read, and what is changed of it.
 *
 * @param givenName what clients are told as the storage's name, if the section says so
 * @param base empty for one without objects
 * @param changes empty for changes that are gone when the server stops
 */
public record DemoStorageConfig(
    Optional<String> givenName, Optional<StorageConfig> base, Optional<StorageConfig> changes)
    implements StorageConfig {
  /** What a storage is called that the section does not have. */
  public static final String UNNAMED = "MappingStorage";

  /** What clients are told as the storage's name. */
  public String name() {
    return givenName.orElseGet(
        () -> "DemoStorage(%s, %s)".formatted(repr(nameOf(base)), repr(nameOf(changes))));
  }

  private static String nameOf(Optional<StorageConfig> storage) {
    return storage.map(DemoStorageConfig::nameOf).orElse(UNNAMED);
  }

  private static String nameOf(StorageConfig storage) {
    return switch (storage) {
      case FileStorageConfig file -> file.path().toString();
      case MappingStorageConfig mapping -> mapping.name();
      case DemoStorageConfig demo -> demo.name();
      case LayeredStorageConfig layered -> nameOf(layered.base());
      case ZrsConfig zrs -> zrs.base().path().toString();
    };
  }

  /** As Python writes a text of printable characters. */
  private static String repr(String text) {
    String escaped = text.replace("\\", "\\\\");
    return text.contains("'") && !text.contains("\"")
        ? '"' + escaped + '"'
        : "'" + escaped.replace("'", "\\'") + "'";
  }
}
