package dev.zrs.server.config;

import dev.zrs.zconfig.CheckedSection;
import java.util.function.Function;

/** Makes the records of {@code <zlibstorage>} and {@code <serverzlibstorage>} sections. */
final class ZlibReader {
  static final String ZLIB = "zlibstorage";

  /**
   * For servers whose clients compress. In Python it gives the pack and the resolution of conflicts
   * a way to read such records, which here they have anyway.
   */
  static final String SERVER_ZLIB = "serverzlibstorage";

  private ZlibReader() {}

  static boolean isLayer(CheckedSection section) {
    String type = section.type().name();
    return type.equals(ZLIB) || type.equals(SERVER_ZLIB);
  }

  /**
   * Makes the record of such a section.
   *
   * @param storages makes the record of the storage in it
   */
  static StorageConfig read(
      CheckedSection section, Function<CheckedSection, StorageConfig> storages) {
    return layer(section, storages.apply(inner(section)));
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
    return layer(section, zrs);
  }

  static CheckedSection inner(CheckedSection section) {
    return section.ofKind(RunzeoSchema.STORAGE).getFirst();
  }

  private static StorageConfig layer(CheckedSection section, StorageConfig base) {
    return section.type().name().equals(SERVER_ZLIB)
        ? base
        : new ZlibStorageConfig(base, section.find("compress", Boolean.class).orElse(true));
  }
}
