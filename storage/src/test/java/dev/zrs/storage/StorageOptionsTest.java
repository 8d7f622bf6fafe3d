package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Quota, create, layouts of blobs, what a crash leaves, and when the index is saved. */
@Timeout(120)
final class StorageOptionsTest {
  private static final Oid A = new Oid(1);
  private static final byte[] BLOB_RECORD =
      "\200\003cZODB.blob\nBlob\nq\0.\200\003N.".getBytes(StandardCharsets.ISO_8859_1);

  @TempDir private Path directory = Path.of("unset");
  private Path file = Path.of("unset");
  private Path blobs = Path.of("unset");
  private StorageOptions options = StorageOptions.of(file);

  @BeforeEach
  void nameFiles() {
    file = directory.resolve("Data.fs");
    blobs = directory.resolve("blobs");
    options = StorageOptions.of(file).withBlobDirectory(blobs);
  }

  private static FileStorage open(StorageOptions options) {
    return FileStorage.open(options, new RealDisk(), InstantSource.system());
  }

  private static Tid commit(FileStorage storage, Oid oid, Tid serial, byte[] data) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.store(oid, serial, data);
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  private static Tid commitBlob(FileStorage storage, Oid oid, Tid serial, String content)
      throws IOException {
    Path temporary = storage.blobs().orElseThrow().createTemporary();
    Files.writeString(temporary, content);
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.storeBlob(oid, serial, BLOB_RECORD, temporary);
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  @Test
  void a_quota_stops_stores_and_leaves_nothing_of_them() throws IOException {
    try (FileStorage storage = open(options.withQuota(5_000))) {
      Tid first = commit(storage, A, Tid.NONE, new byte[4_900]);
      // It begins within the quota, as with Python.
      Tid second = commit(storage, A, first, new byte[3_000]);
      long size = Files.size(file);
      assertThatThrownBy(() -> commit(storage, A, second, new byte[1]))
          .isInstanceOf(QuotaExceededException.class)
          .hasMessage("The storage quota has been exceeded.");
      assertThat(Files.size(file)).isEqualTo(size);
      assertThat(storage.commitLock().holder()).isEmpty();
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.undo(second);
        storage.vote(buffer, storage.commitLock().claim("test")).finish();
      }
      assertThat(Objects.requireNonNull(storage.loadBefore(A, Tid.MAX)).data()).hasSize(4_900);
    }
  }

  @Test
  void a_missing_directory_is_named() {
    Path missing = directory.resolve("none");
    assertThatThrownBy(() -> open(StorageOptions.of(missing.resolve("Data.fs"))))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("the directory " + missing + " does not exist");
  }

  @Test
  void create_removes_file_index_and_blobs() throws IOException {
    Tid old;
    try (FileStorage storage = open(options)) {
      old = commitBlob(storage, A, Tid.NONE, "old");
    }
    Files.write(file.resolveSibling("Data.fs.old"), new byte[] {1});
    try (FileStorage storage = open(options.withCreate(true))) {
      assertThat(storage.objectCount()).isZero();
      assertThat(storage.lastTransaction()).isEqualTo(Tid.NONE);
      assertThat(storage.blobs().orElseThrow().exists(A, old)).isFalse();
      commitBlob(storage, A, Tid.NONE, "new");
    }
    assertThatThrownBy(() -> options.withReadOnly(true).withCreate(true))
        .isInstanceOf(StorageException.class)
        .hasMessage("can't create a read-only file");
  }

  @Test
  void the_index_is_saved_when_much_has_changed() throws IOException {
    Path index = file.resolveSibling("Data.fs.index");
    try (FileStorage storage = open(options)) {
      byte[] before = Files.readAllBytes(index);
      int each = IndexSaver.CHANGES / 10;
      for (int n = 0; n < 10; n++) {
        try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
          for (int i = 0; i < each; i++) {
            buffer.store(new Oid((long) n * each + i), Tid.NONE, new byte[] {1});
          }
          storage.vote(buffer, storage.commitLock().claim("test")).finish();
        }
      }
      Tid serial = storage.currentSerial(A);
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> Files.size(index) > before.length + 8L * IndexSaver.CHANGES / 2);
      long saved = Files.size(index);
      // Changes of what is saved already, in the middle of the index.
      commit(storage, A, serial, new byte[] {2});
      assertThat(Files.size(index)).isEqualTo(saved);
      Path copy = Files.createDirectory(directory.resolve("copy")).resolve("Data.fs");
      Files.copy(file, copy);
      Files.copy(index, copy.resolveSibling("Data.fs.index"));
      try (FileStorage crashed = open(StorageOptions.of(copy))) {
        assertThat(crashed.objectCount()).isEqualTo(IndexSaver.CHANGES);
        assertThat(Objects.requireNonNull(crashed.loadBefore(A, Tid.MAX)).data())
            .isEqualTo(new byte[] {2});
      }
    }
  }

  @Test
  void an_index_that_is_saved_beside_commits_is_that_of_one_point() throws IOException {
    FileGeneration generation;
    try (FileStorage storage = open(options)) {
      Tid serial = Tid.NONE;
      for (int i = 0; i < 5; i++) {
        serial = commit(storage, A, serial, new byte[] {1});
      }
      generation = storage.read(each -> each);
      // As if the commits from here on came while the index is written.
      long end = generation.visibleEnd();
      for (int i = 0; i < 5; i++) {
        serial = commit(storage, A, serial, new byte[] {2});
        commit(storage, new Oid(50 + i), Tid.NONE, new byte[] {3});
      }
      FileGeneration then = new FileGeneration(generation.file(), generation.index(), end);
      IndexFile saved = new IndexFile(new RealDisk(), directory.resolve("Other.fs"));
      saved.save(then);
      IndexFile.Loaded loaded = Objects.requireNonNull(saved.load());
      assertThat(loaded.position()).isEqualTo(end);
      assertThat(loaded.index().size()).isEqualTo(1);
      assertThat(loaded.index().get(1)).isBetween(1L, end);
      assertThat(generation.file().dataHeader(loaded.index().get(1), 1).length()).isEqualTo(43);
    }
  }

  @Test
  void lawn_blobs_are_packed_and_kept() throws IOException {
    Files.createDirectories(blobs);
    Files.writeString(blobs.resolve(".layout"), "lawn");
    Tid first;
    Tid second;
    try (FileStorage storage = open(options)) {
      commit(storage, Oid.ROOT, Tid.NONE, PackTest.record(1, A));
      first = commitBlob(storage, A, Tid.NONE, "one");
      second = commitBlob(storage, A, first, "two");
      assertThat(storage.pack(second).packed()).isTrue();
      assertThat(storage.blobs().orElseThrow().exists(A, first)).isFalse();
      assertThat(storage.blobs().orElseThrow().exists(A, second)).isTrue();
    }
    Path old = directory.resolve("blobs.old");
    assertThat(old.resolve(".layout")).hasContent("lawn");
    assertThat(old.resolve("0x01").resolve(name(first))).hasContent("one");
    assertThat(old.resolve("0x01").resolve(name(second))).hasContent("two");
    assertThat(blobs.resolve("0x01").resolve(name(second))).hasContent("two");
  }

  private static String name(Tid serial) {
    return "0x" + serial.toString().replaceFirst("^(00)+", "") + ".blob";
  }

  @Test
  void uploads_that_a_crash_left_are_removed_and_others_stay() throws IOException {
    Path ours;
    try (FileStorage storage = open(options)) {
      ours = storage.blobs().orElseThrow().createTemporary();
    }
    Files.writeString(ours, "half");
    Path other = blobs.resolve("tmp/BUC123.tmp");
    Files.writeString(other, "not ours");
    try (FileStorage reader = open(options.withReadOnly(true))) {
      assertThat(reader.isReadOnly()).isTrue();
      assertThat(ours).exists();
    }
    try (FileStorage storage = open(options)) {
      assertThat(storage.isReadOnly()).isFalse();
      assertThat(ours).doesNotExist();
      assertThat(other).hasContent("not ours");
    }
  }

  @Test
  void a_storage_in_memory_does_what_one_on_disk_does() {
    MemoryDisk disk = new MemoryDisk(1L << 30);
    StorageOptions inMemory = StorageOptions.of(Path.of("any/name")).withPack(true, false);
    Tid serial = Tid.NONE;
    byte[] large = new byte[3 << 20];
    large[large.length - 1] = 7;
    try (FileStorage storage = FileStorage.open(inMemory, disk, InstantSource.system())) {
      commit(storage, Oid.ROOT, Tid.NONE, PackTest.record(1, A));
      for (int i = 0; i < 3; i++) {
        serial = commit(storage, A, serial, PackTest.record(i));
      }
      commit(storage, new Oid(9), Tid.NONE, large);
      assertThat(Objects.requireNonNull(storage.loadBefore(new Oid(9), Tid.MAX)).data())
          .isEqualTo(large);
      assertThat(storage.pack(storage.lastTransaction()).packed()).isTrue();
      assertThat(storage.name()).isEqualTo("any/name");
    }
    try (FileStorage storage = FileStorage.open(inMemory, disk, InstantSource.system())) {
      assertThat(storage.currentSerial(A)).isEqualTo(serial);
      assertThat(storage.objectCount()).isEqualTo(2);
    }
  }
}
