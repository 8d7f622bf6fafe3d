package dev.zrs.zeo;

import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.BlobDirectory;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives the content of one blob after the other into temporary files. The messages of an upload
 * get no reply and name no transaction, so a failure (a full disk) is kept until its end, and fails
 * that transaction only. For the reader of a connection only.
 */
final class BlobUpload {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.StorageServer");

  private final Optional<BlobDirectory> blobs;
  private @Nullable Path file;
  private @Nullable OutputStream out;
  private @Nullable RuntimeException failure;
  private boolean active;

  BlobUpload(Optional<BlobDirectory> blobs) {
    this.blobs = blobs;
  }

  void start() {
    if (active) {
      throw new RequestException(
          RemoteError.builtin("AssertionError", "storeBlobStart() before the end of another"));
    }
    active = true;
    failure = null;
    if (blobs.isEmpty()) {
      failure = noBlobs();
      return;
    }
    Path temporary = blobs.get().createTemporary();
    try {
      out = Files.newOutputStream(temporary, StandardOpenOption.CREATE_NEW);
      file = temporary;
    } catch (IOException e) {
      fail(e);
    }
  }

  static RequestException noBlobs() {
    return new RequestException(
        new RemoteError(
            "ZODB.POSException.Unsupported", PyTuple.of("the storage has no blob directory")));
  }

  void chunk(byte[] bytes) {
    requireActive("storeBlobChunk");
    OutputStream open = out;
    if (open != null) {
      try {
        open.write(bytes);
      } catch (IOException e) {
        fail(e);
      }
    }
  }

  /**
   * Ends the upload.
   *
   * @return the temporary file, which belongs to the caller now
   * @throws RuntimeException what went wrong in it; nothing is left of it then
   */
  Path end() {
    requireActive("storeBlobEnd");
    active = false;
    OutputStream open = out;
    out = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        fail(e);
      }
    }
    RuntimeException reason = failure;
    Path complete = file;
    file = null;
    if (reason != null || complete == null) {
      throw reason != null ? reason : noBlobs();
    }
    return complete;
  }

  /** Removes what is left of an upload that will not end. */
  void abandon() {
    active = false;
    try {
      OutputStream open = out;
      out = null;
      if (open != null) {
        open.close();
      }
    } catch (IOException e) {
      LOG.debug("closing an unfinished blob: {}", e.toString());
    }
    discard();
  }

  private void fail(IOException e) {
    LOG.error("receiving a blob failed: {}", e.toString());
    RuntimeException reason = new UncheckedIOException("receiving a blob failed: " + e, e);
    abandon();
    failure = reason;
    active = true;
  }

  private void discard() {
    Path unfinished = file;
    file = null;
    if (unfinished != null) {
      discard(unfinished);
    }
  }

  /** Removes a file that {@link #end} gave. */
  void discard(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      LOG.warn("can't remove the temporary file {}: {}", temporary, e.toString());
    }
  }

  private void requireActive(String method) {
    if (!active) {
      throw new RequestException(
          RemoteError.builtin("TypeError", method + "() without storeBlobStart()"));
    }
  }
}
