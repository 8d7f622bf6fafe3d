package dev.zrs.server.config;

import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.DataTypes;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Makes the records of the storage sections, with the rules that go beyond single keys. */
final class StorageReader {
  private static final String DEFAULT_NAME = "1";

  private StorageReader() {}

  static List<NamedStorage> read(List<CheckedSection> sections) {
    List<CheckedSection> unnamed = sections.stream().filter(s -> s.name().isEmpty()).toList();
    if (unnamed.size() > 1) {
      throw unnamed
          .get(1)
          .error(
              "no more than one storage may be unnamed; the other one is in "
                  + unnamed.getFirst().location());
    }
    boolean taken = sections.stream().anyMatch(s -> s.name().equals(Optional.of(DEFAULT_NAME)));
    if (taken && !unnamed.isEmpty()) {
      throw unnamed
          .getFirst()
          .error("there cannot be an unnamed storage and a storage named " + DEFAULT_NAME);
    }
    List<NamedStorage> storages = new ArrayList<>();
    for (CheckedSection section : sections) {
      storages.add(new NamedStorage(section.name().orElse(DEFAULT_NAME), storage(section)));
    }
    return storages;
  }

  private static StorageConfig replicated(CheckedSection zrs) {
    CheckedSection inner = LayerReader.inner(zrs);
    if (LayerReader.isLayer(inner)) {
      return LayerReader.inside(inner, ZrsReader.read(zrs, fileBase(LayerReader.inner(inner))));
    }
    return ZrsReader.read(zrs, fileBase(inner));
  }

  private static FileStorageConfig fileBase(CheckedSection base) {
    if (storage(base) instanceof FileStorageConfig file) {
      return file;
    }
    throw base.error(
        "a <%s> inside a <zrs> is known but not supported yet".formatted(base.type().name()));
  }

  private static StorageConfig storage(CheckedSection section) {
    return switch (section.type().name()) {
      case "zrs" -> replicated(section);
      case "mappingstorage" -> mappingStorage(section);
      case "demostorage" -> DemoStorageReader.read(section, StorageReader::storage);
      case "blobstorage" -> blobStorage(section);
      case LayerReader.ZLIB, LayerReader.SERVER_ZLIB, LayerReader.HEX, LayerReader.SERVER_HEX ->
          LayerReader.read(section, StorageReader::storage);
      default -> fileStorage(section);
    };
  }

  /**
   * A name becomes the path of a file in memory, from which clients get it back. There is no use in
   * names that change on this way.
   */
  private static MappingStorageConfig mappingStorage(CheckedSection section) {
    String name = section.get("name", String.class);
    if (!isPathLike(name)) {
      throw section.error("name", DataTypes.quote(name) + " cannot be a name");
    }
    return new MappingStorageConfig(name);
  }

  private static boolean isPathLike(String name) {
    try {
      Path path = Path.of(name);
      return path.getFileName() != null && path.toString().equals(name);
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** It gives blobs to the file storage in it, which then is the same as one with blob-dir. */
  private static FileStorageConfig blobStorage(CheckedSection section) {
    List<CheckedSection> inner = section.ofKind(RunzeoSchema.STORAGE);
    if (inner.isEmpty()) {
      throw section.error("there is no <filestorage> in it");
    }
    CheckedSection base = inner.getFirst();
    if (base.type().name().equals("zrs")) {
      throw base.error("its blobs would not be replicated: put the <blobstorage> inside the <zrs>");
    }
    if (!base.type().name().equals("filestorage")) {
      throw base.error("a <blobstorage> must be round a <filestorage> here");
    }
    FileStorageConfig storage = fileStorage(base);
    if (storage.blobDir().isPresent()) {
      throw base.error("blob-dir", "the <blobstorage> round it has one already");
    }
    if (storage.create()) {
      // Python empties the file and leaves the blobs; we would remove them.
      throw base.error("create", "it is not supported in a <blobstorage>, except 'false'");
    }
    String directory = section.get("blob-dir", String.class);
    if (directory.isEmpty()) {
      throw section.error("blob-dir", "it is empty");
    }
    return storage.withBlobDir(Path.of(directory));
  }

  private static long packRate(CheckedSection section) {
    long rate = section.get("pack-rate", Long.class);
    if (rate < 0) {
      throw section.error("pack-rate", rate + " is not a number of bytes >= 0");
    }
    return rate;
  }

  private static FileStorageConfig fileStorage(CheckedSection section) {
    Optional<Long> quota = section.find("quota", Long.class);
    String path = section.get("path", String.class);
    if (path.isEmpty()) {
      throw section.error("path", "it is empty");
    }
    boolean create = section.find("create", Boolean.class).orElse(false);
    boolean readOnly = section.find("read-only", Boolean.class).orElse(false);
    if (create && readOnly) {
      throw section.error("create", "can't create a read-only file");
    }
    return new FileStorageConfig(
        Path.of(path),
        section.find("blob-dir", String.class).filter(dir -> !dir.isEmpty()).map(Path::of),
        create,
        readOnly,
        quota.map(OptionalLong::of).orElseGet(OptionalLong::empty),
        section.get("pack-gc", Boolean.class),
        section.get("pack-keep-old", Boolean.class),
        packRate(section));
  }
}
