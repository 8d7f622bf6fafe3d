package dev.zrs.server.config;

import dev.zrs.storage.RecordLayer;
import dev.zrs.zconfig.CheckedSection;
import java.util.Set;
import java.util.function.Function;

/** Makes the records of sections that put another form of records round a storage. */
final class LayerReader {
  static final String ZLIB = "zlibstorage";
  static final String HEX = "hexstorage";

  /**
   * For servers whose clients transform the records. In Python they give the pack and the
   * resolution of conflicts a way to read them, which here they have anyway.
   */
  static final String SERVER_ZLIB = "serverzlibstorage";

  static final String SERVER_HEX = "serverhexstorage";

  private static final Set<String> ALL = Set.of(ZLIB, SERVER_ZLIB, HEX, SERVER_HEX);

  private LayerReader() {}

  static boolean isLayer(CheckedSection section) {
    return ALL.contains(section.type().name());
  }

  /**
   * Makes the record of such a section.
   *
   * @param storages makes the record of the storage in it
   */
  static StorageConfig read(
      CheckedSection section, Function<CheckedSection, StorageConfig> storages) {
    return layered(section, storages.apply(inner(section)));
  }

  /**
   * As in Python one may stand inside a {@code <zrs>} that has no secondaries. There it is the same
   * as one outside: what comes from the upstream stays as it is.
   *
   * @param zrs the record of the {@code <zrs>} without it
   */
  static StorageConfig inside(CheckedSection section, ZrsConfig zrs) {
    if (zrs.replicateTo().isPresent()) {
      throw section.error(
          "it can't be inside a <zrs> that has replicate-to: put it round the <zrs>");
    }
    return layered(section, zrs);
  }

  /** The storage that a section holds, as one of a layer or a {@code <zrs>} does. */
  static CheckedSection inner(CheckedSection section) {
    return section.ofKind(RunzeoSchema.STORAGE).getFirst();
  }

  private static StorageConfig layered(CheckedSection section, StorageConfig base) {
    return switch (section.type().name()) {
      case ZLIB ->
          new LayeredStorageConfig(
              base,
              section.find("compress", Boolean.class).orElse(true)
                  ? RecordLayer.ZLIB
                  : RecordLayer.ZLIB_LOADING);
      case HEX -> new LayeredStorageConfig(base, RecordLayer.HEX);
      default -> base;
    };
  }
}
