package dev.zrs.storage;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A data record as it will stand in the file.
 *
 * @param position where it will begin
 * @param previous position of the object's record before this transaction; 0 if there is none
 * @param data the pickles; null for a back-pointer
 * @param backPointer where the data stand; 0 where the object's creation is undone
 * @param blob what becomes of the object's blob
 */
record PlannedRecord(
    Oid oid,
    Tid serial,
    long position,
    long previous,
    @Nullable BufferedData data,
    long backPointer,
    BlobChange blob) {

  /** What a record does to the blob directory. */
  sealed interface BlobChange {}

  /** Nothing: it is no blob. */
  record NoBlob() implements BlobChange {}

  /** A temporary file becomes the content. */
  record NewBlob(Path temporary) implements BlobChange {}

  /** The content of an earlier revision is the content again. */
  record SameBlob(Tid earlier) implements BlobChange {}

  /** The content of a file in another blob directory is the content again. */
  record BaseBlob(Path file) implements BlobChange {}

  static final BlobChange NO_BLOB = new NoBlob();

  static BlobChange newBlob(@Nullable Path temporary) {
    return temporary == null ? NO_BLOB : new NewBlob(temporary);
  }

  /** Length of the whole record in bytes. */
  long length() {
    long content = data == null ? DataHeader.BACK_POINTER_LENGTH : data.length();
    return DataHeader.LENGTH + content;
  }
}
