package dev.zrs.storage;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What stands in the file can't be right; names file, position and, where known, oid and tid. */
public final class CorruptDataException extends StorageException {
  private static final long serialVersionUID = 1;

  CorruptDataException(Path file, long position, String what) {
    super("%s: corrupt at position %d: %s".formatted(file, position, what));
  }

  CorruptDataException(
      Path file, long position, @Nullable Oid oid, @Nullable Tid tid, String what) {
    super(
        "%s: corrupt at position %d%s%s: %s"
            .formatted(
                file,
                position,
                oid == null ? "" : ", oid " + oid,
                tid == null ? "" : ", tid " + tid,
                what));
  }
}
