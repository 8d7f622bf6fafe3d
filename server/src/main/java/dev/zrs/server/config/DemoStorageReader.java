package dev.zrs.server.config;

import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.ConfigException;
import java.util.Optional;
import java.util.function.Function;

/** Makes the record of a {@code <demostorage>}: which of its storages is the base. */
final class DemoStorageReader {
  private static final String CHANGES = "changes";

  private DemoStorageReader() {}

  /**
   * As in Python the section that is called {@code changes} has the changes, and the other one is
   * the base, whatever it is called.
   *
   * @param storages makes the record of a storage in it
   */
  static DemoStorageConfig read(
      CheckedSection section, Function<CheckedSection, StorageConfig> storages) {
    Optional<StorageConfig> base = Optional.empty();
    Optional<StorageConfig> changes = Optional.empty();
    for (CheckedSection inner : section.ofKind(RunzeoSchema.STORAGE)) {
      if (inner.type().name().equals("zrs")) {
        throw noReplication(inner);
      }
      if (inner.name().equals(Optional.of(CHANGES))) {
        if (inner.type().name().equals("demostorage")) {
          throw inner.error("the changes of a <demostorage> can't be in another one");
        }
        if (LayerReader.isLayer(inner)) {
          throw inner.error(
              "it can't be the changes of a <demostorage>: put it round the <demostorage>");
        }
        changes = Optional.of(storages.apply(inner));
      } else if (base.isPresent()) {
        throw inner.error(
            "too many base storages: a <demostorage> has one, and one that is called changes");
      } else {
        StorageConfig storage = storages.apply(inner);
        if (storage.replication().isPresent()) {
          throw noReplication(inner);
        }
        base = Optional.of(storage);
      }
    }
    return new DemoStorageConfig(section.find("name", String.class), base, changes);
  }

  private static ConfigException noReplication(CheckedSection inner) {
    return inner.error("a <zrs> inside a <demostorage> is known but not supported yet");
  }
}
