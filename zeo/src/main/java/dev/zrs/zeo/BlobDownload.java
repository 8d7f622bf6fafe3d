package dev.zrs.zeo;

import dev.zrs.storage.Oid;
import dev.zrs.storage.Storage;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Sends the content of one revision of a blob. On the worker. */
final class BlobDownload {
  /** As Python's server, whose clients may have made it a habit. */
  private static final int CHUNK = 59_000;

  private BlobDownload() {}

  /**
   * Sends all of it, as fast as the client takes it.
   *
   * @throws RequestException POSKeyError if there is no such file
   */
  static void send(Storage storage, Oid oid, Tid serial, Outbox outbox, MessageWriter out) {
    Path file =
        storage
            .blobFile(oid, serial)
            .orElseGet(() -> storage.blobs().orElseThrow(BlobUpload::noBlobs).file(oid, serial));
    try (InputStream in = Files.newInputStream(file)) {
      out.reset();
      Messages.receiveBlobStart(out, oid, serial);
      outbox.send(out);
      byte[] chunk = new byte[CHUNK];
      for (int count = in.readNBytes(chunk, 0, CHUNK);
          count > 0 && outbox.awaitRoom();
          count = in.readNBytes(chunk, 0, CHUNK)) {
        out.reset();
        Messages.receiveBlobChunk(out, oid, serial, chunk, count);
        outbox.send(out);
      }
      out.reset();
      Messages.receiveBlobStop(out, oid, serial);
      outbox.send(out);
    } catch (NoSuchFileException e) {
      throw new RequestException(
          RemoteError.posKeyError("No blob file at " + file, oid.toBytes(), serial.toBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException("sending " + file, e);
    }
  }
}
