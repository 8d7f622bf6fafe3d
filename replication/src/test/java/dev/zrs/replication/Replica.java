package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.storage.Disk;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.StorageOptions;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.VotedTransaction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Where the files of one side are, and what the tests do with them. */
record Replica(Path file, Path blobs) {
  static final byte[] BLOB_RECORD =
      "\u0080\u0003cZODB.blob\nBlob\nq\u0001.\u0080\u0003N.".getBytes(StandardCharsets.ISO_8859_1);

  static Replica in(Path directory, String name) {
    return new Replica(directory.resolve(name + ".fs"), directory.resolve(name + "-blobs"));
  }

  FileStorage open() {
    return open(StorageOptions.of(file).withBlobDirectory(blobs));
  }

  FileStorage openWithoutBlobs() {
    return open(StorageOptions.of(file));
  }

  /** With blobs, on a disk of the test. */
  FileStorage open(Disk disk) {
    return FileStorage.open(
        StorageOptions.of(file).withBlobDirectory(blobs), disk, InstantSource.system());
  }

  private static FileStorage open(StorageOptions options) {
    return FileStorage.open(options, new RealDisk(), InstantSource.system());
  }

  /** Commits small and large records, metadata, extensions and, if there can be, blobs. */
  static Tid commit(FileStorage storage, Random random) {
    try (TransactionBuffer buffer = storage.begin(metadata(random), null)) {
      int records = 1 + random.nextInt(4);
      for (int i = 0; i < records; i++) {
        buffer.store(storage.newOid(), Tid.NONE, bytes(random, 1 + random.nextInt(3_000)));
      }
      if (random.nextInt(20) == 0) {
        buffer.store(storage.newOid(), Tid.NONE, bytes(random, 400_000));
      }
      if (storage.blobs().isPresent() && random.nextInt(5) == 0) {
        Path content = storage.blobs().get().createTemporary();
        Files.write(content, bytes(random, random.nextInt(3) * random.nextInt(100_000)));
        buffer.storeBlob(storage.newOid(), Tid.NONE, BLOB_RECORD.clone(), content);
      }
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TransactionMetadata metadata(Random random) {
    if (random.nextBoolean()) {
      return TransactionMetadata.EMPTY;
    }
    PyDict extension = new PyDict();
    extension.put("number", (long) random.nextInt());
    extension.put("text", "\u00fc\u4e2d" + random.nextInt(100));
    return new TransactionMetadata(
        "j\u00f6rg".getBytes(StandardCharsets.UTF_8),
        "what was done".getBytes(StandardCharsets.UTF_8),
        PickleWriter.memoized(3).write(extension).toByteArray());
  }

  /** Commits one record for an oid that nobody has used. */
  static Tid commitRecord(FileStorage storage, Oid oid, byte[] data) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.store(oid, Tid.NONE, data);
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  /** Commits a blob that nobody has used. */
  static Tid commitBlob(FileStorage storage, Oid oid, byte[] content) throws IOException {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      Path temporary = storage.blobs().orElseThrow().createTemporary();
      Files.write(temporary, content);
      buffer.storeBlob(oid, Tid.NONE, BLOB_RECORD.clone(), temporary);
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  static byte[] bytes(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  /** Fails unless both have the same bytes in the file and the same blobs. */
  void assertEquals(Replica other) {
    try {
      assertThat(Files.mismatch(file, other.file)).as("first different byte").isEqualTo(-1);
      assertThat(other.blobContents()).isEqualTo(blobContents());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A digest of the content of each committed blob file; fails if a temporary one was left. */
  Map<String, Integer> blobContents() throws IOException {
    Map<String, Integer> contents = new TreeMap<>();
    if (!Files.exists(blobs)) {
      return contents;
    }
    try (Stream<Path> files = Files.walk(blobs)) {
      for (Path path : files.filter(Files::isRegularFile).toList()) {
        if (path.toString().endsWith(".blob")) {
          byte[] bytes = Files.readAllBytes(path);
          contents.put(
              blobs.relativize(path).toString(), 31 * bytes.length + Arrays.hashCode(bytes));
        } else {
          assertThat(path.getFileName()).hasToString(".layout");
        }
      }
    }
    return contents;
  }
}
