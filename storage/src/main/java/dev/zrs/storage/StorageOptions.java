package dev.zrs.storage;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a file storage is opened and packed.
 *
 * @param file the {@code Data.fs}; created if it does not exist, unless read-only
 * @param readOnly take no lock, write nothing
 * @param blobDirectory where blobs live; without it the storage has none
 * @param create begin with an empty storage: remove the file and the blobs that are there
 * @param quota position in the file, in bytes, beyond which no record shall begin
 * @param packCollectsGarbage whether a pack also removes objects that can't be reached
 * @param packKeepsOld whether a pack leaves the old file as {@code Data.fs.old}
 * @param blobAccess what may be done below the blob directory at first; see {@link
 *     FileStorage#leaveBlobs} and {@link FileStorage#takeOverBlobs}
 * @param follower whether an upstream will send again what is cut off the end of the file: then an
 *     unfinished transaction is cut off with all that follows it, as in the copy of a file that was
 *     in use. Else only if nothing that is whole follows it
 * @param packRate how many bytes a second a pack may read and write, together; 0 for no limit
 */
public record StorageOptions(
    Path file,
    boolean readOnly,
    Optional<Path> blobDirectory,
    boolean create,
    long quota,
    boolean packCollectsGarbage,
    boolean packKeepsOld,
    BlobAccess blobAccess,
    boolean follower,
    long packRate) {

  /** No quota. */
  public static final long UNLIMITED = Long.MAX_VALUE;

  /**
   * Checks that the options fit each other.
   *
   * @throws StorageException if not
   */
  public StorageOptions {
    if (readOnly && create) {
      throw new StorageException("can't create a read-only file");
    }
  }

  /** A writable storage without blobs and quota, packed as Python does by default. */
  public static StorageOptions of(Path file) {
    return new StorageOptions(
        file,
        false,
        Optional.empty(),
        false,
        UNLIMITED,
        true,
        true,
        BlobAccess.READ_WRITE,
        false,
        0);
  }

  public StorageOptions withReadOnly(boolean value) {
    return new StorageOptions(
        file,
        value,
        blobDirectory,
        create,
        quota,
        packCollectsGarbage,
        packKeepsOld,
        blobAccess,
        follower,
        packRate);
  }

  public StorageOptions withBlobDirectory(Path directory) {
    return new StorageOptions(
        file,
        readOnly,
        Optional.of(directory),
        create,
        quota,
        packCollectsGarbage,
        packKeepsOld,
        blobAccess,
        follower,
        packRate);
  }

  public StorageOptions withCreate(boolean value) {
    return new StorageOptions(
        file,
        readOnly,
        blobDirectory,
        value,
        quota,
        packCollectsGarbage,
        packKeepsOld,
        blobAccess,
        follower,
        packRate);
  }

  public StorageOptions withQuota(long bytes) {
    return new StorageOptions(
        file,
        readOnly,
        blobDirectory,
        create,
        bytes,
        packCollectsGarbage,
        packKeepsOld,
        blobAccess,
        follower,
        packRate);
  }

  public StorageOptions withPack(boolean collectsGarbage, boolean keepsOld) {
    return new StorageOptions(
        file,
        readOnly,
        blobDirectory,
        create,
        quota,
        collectsGarbage,
        keepsOld,
        blobAccess,
        follower,
        packRate);
  }

  public StorageOptions withBlobAccess(BlobAccess value) {
    return new StorageOptions(
        file,
        readOnly,
        blobDirectory,
        create,
        quota,
        packCollectsGarbage,
        packKeepsOld,
        value,
        follower,
        packRate);
  }

  public StorageOptions withFollower(boolean value) {
    return new StorageOptions(
        file,
        readOnly,
        blobDirectory,
        create,
        quota,
        packCollectsGarbage,
        packKeepsOld,
        blobAccess,
        value,
        packRate);
  }

  /** The same, with a limit of bytes a second for packs; 0 for none. */
  public StorageOptions withPackRate(long value) {
    return new StorageOptions(
        file,
        readOnly,
        blobDirectory,
        create,
        quota,
        packCollectsGarbage,
        packKeepsOld,
        blobAccess,
        follower,
        value);
  }
}
