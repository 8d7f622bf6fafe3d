package dev.zrs.storage;

/** What a storage may do below its blob directory. */
public enum BlobAccess {
  /** The files are its own: it writes and removes them. */
  READ_WRITE,

  /**
   * Another server keeps the files, on a volume that both have: they are read, and nothing is
   * written, moved or removed, not even a file of one's own.
   */
  READ_ONLY
}
