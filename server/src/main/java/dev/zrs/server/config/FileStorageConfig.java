package dev.zrs.server.config;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A {@code <filestorage>}.
 *
 * @param path of {@code Data.fs}
 * @param blobDir empty for no blobs
 * @param create whether an existing file is emptied first
 * @param quota size in bytes that the file may not exceed
 * @param packGc whether a pack collects garbage
 * @param packKeepOld whether a pack keeps the file before it as {@code .old}
 * @param packRate how many bytes a second a pack may read and write; 0 for no limit
 */
public record FileStorageConfig(
    Path path,
    Optional<Path> blobDir,
    boolean create,
    boolean readOnly,
    OptionalLong quota,
    boolean packGc,
    boolean packKeepOld,
    long packRate)
    implements StorageConfig {
  /** The same with blobs. */
  FileStorageConfig withBlobDir(Path directory) {
    return new FileStorageConfig(
        path, Optional.of(directory), create, readOnly, quota, packGc, packKeepOld, packRate);
  }

  /** A storage with all defaults. */
  static FileStorageConfig at(Path path) {
    return new FileStorageConfig(
        path, Optional.empty(), false, false, OptionalLong.empty(), true, true, 0);
  }
}
