package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.testkit.PythonPeer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files go back and forth between this storage and Python's. */
final class FileStoragePeerTest {
  private static PythonPeer python = new PythonPeer(Path.of("unset"));
  @TempDir private Path directory = Path.of("unset");

  @BeforeAll
  static void findPeer() {
    python = PythonPeer.current();
  }

  private static String peer(String command, Path... paths) {
    List<String> arguments = new ArrayList<>(List.of(command));
    for (Path path : paths) {
      arguments.add(path.toString());
    }
    return new String(
        python.run(FileStoragePeerTest.class, "peer.py", arguments.toArray(String[]::new)),
        StandardCharsets.UTF_8);
  }

  private static FileStorage open(StorageOptions options) {
    return FileStorage.open(options, new RealDisk(), InstantSource.system());
  }

  @Test
  void reads_all_that_Python_wrote() throws IOException {
    Path file = directory.resolve("Data.fs");
    Path blobs = directory.resolve("blobs");
    peer("make", file, blobs);
    String expected = peer("dump", file, blobs);
    try (FileStorage storage =
        open(StorageOptions.of(file).withReadOnly(true).withBlobDirectory(blobs))) {
      assertThat(Dump.of(storage)).isEqualTo(expected);
    }
    assertThat(expected)
        .contains("POSKeyError")
        .contains("'p'")
        .containsPattern("R .* [0-9a-f]{16}\n");
    byte[] index = Files.readAllBytes(file.resolveSibling("Data.fs.index"));
    Files.delete(file.resolveSibling("Data.fs.index"));
    try (FileStorage storage = open(StorageOptions.of(file))) {
      assertThat(Dump.of(storage)).isEqualTo(expected);
    }
    assertThat(Files.readAllBytes(file.resolveSibling("Data.fs.index"))).isEqualTo(index);
  }

  @Test
  void a_replay_of_a_file_gives_the_same_bytes() throws IOException {
    Path file = directory.resolve("Data.fs");
    Path blobs = directory.resolve("blobs");
    PythonPeer.current()
        .run(FileStoragePeerTest.class, "peer.py", "make", file.toString(), blobs.toString(), "");
    for (int batch : new int[] {1, 7}) {
      Path copy = directory.resolve("Copy" + batch + ".fs");
      try (FileStorage from = open(StorageOptions.of(file).withReadOnly(true));
          FileStorage to = open(StorageOptions.of(copy))) {
        replay(from, to, batch);
      }
      assertThat(Files.mismatch(file, copy)).isEqualTo(-1);
      assertThat(peer("verify", copy)).doesNotContain("Error");
      assertThat(peer("dump", copy)).isEqualTo(peer("dump", file));
    }
  }

  private static void replay(FileStorage from, FileStorage to, int batchSize) {
    List<TransactionBuffer> batch = new ArrayList<>();
    try (TransactionReader reader = from.transactionsAfter(Tid.NONE)) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        TransactionBuffer buffer =
            to.begin(transaction.metadata(), transaction.tid(), transaction.status(), null);
        DataRecord record = transaction.nextRecord();
        while (record != null) {
          buffer.restore(record.oid(), record.tid(), record.data(), record.dataTid());
          record = transaction.nextRecord();
        }
        batch.add(buffer);
        transaction = reader.next();
        if (batch.size() == batchSize || transaction == null) {
          to.restoreAll(batch);
          batch.forEach(TransactionBuffer::close);
          batch.clear();
        }
      }
    }
  }

  @Test
  void Python_goes_on_where_we_stopped_and_we_where_Python_stopped() {
    Path file = directory.resolve("Data.fs");
    peer("commit", file);
    try (FileStorage storage = open(StorageOptions.of(file))) {
      Revision root = Objects.requireNonNull(storage.loadBefore(Oid.ROOT, Tid.MAX));
      try (TransactionBuffer buffer =
          storage.begin(
              new TransactionMetadata(Dump.ascii("us"), Dump.ascii("a note"), Bytes.EMPTY), null)) {
        buffer.store(Oid.ROOT, root.serial(), root.data());
        buffer.store(storage.newOid(), Tid.NONE, root.data());
        storage.vote(buffer, storage.commitLock().claim("test")).finish();
      }
    }
    assertThat(peer("reopen", file)).contains("used index 1");
    peer("commit", file);
    assertThat(peer("verify", file)).doesNotContain("Error");
    String expected = peer("dump", file);
    try (FileStorage storage = open(StorageOptions.of(file))) {
      assertThat(Dump.of(storage)).isEqualTo(expected);
    }
  }

  @Test
  void Python_and_we_exclude_each_other() throws Exception {
    Path file = directory.resolve("Data.fs");
    try (FileStorage storage = open(StorageOptions.of(file))) {
      assertThat(storage.isReadOnly()).isFalse();
      assertThat(peer("refused", file)).contains("LockError");
      assertThatThrownBy(() -> open(StorageOptions.of(file)))
          .isInstanceOf(StorageLockedException.class)
          .hasMessageContaining("pid " + ProcessHandle.current().pid());
    }
    assertThat(peer("refused", file)).contains("opened");
    Path script = directory.resolve("peer.py");
    try (var in = FileStoragePeerTest.class.getResourceAsStream("peer.py")) {
      assert in != null;
      Files.copy(in, script);
    }
    Process holder =
        new ProcessBuilder(python.python().toString(), script.toString(), "hold", file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader output =
            new BufferedReader(
                new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8));
        OutputStream input = holder.getOutputStream()) {
      assertThat(output.readLine()).isEqualTo("open");
      assertThatThrownBy(() -> open(StorageOptions.of(file)))
          .isInstanceOf(StorageLockedException.class)
          .hasMessageContaining("pid " + holder.pid());
      try (FileStorage reader = open(StorageOptions.of(file).withReadOnly(true))) {
        assertThat(reader.lastTransaction()).isEqualTo(Tid.NONE);
      }
      input.write('\n');
      input.flush();
      assertThat(holder.waitFor()).isZero();
    } finally {
      holder.destroyForcibly();
    }
    open(StorageOptions.of(file)).close();
  }

  @Test
  void tids_are_Pythons_time_stamps() {
    for (String line : peer("timestamps", directory).lines().toList()) {
      String[] parts = line.split(" ", -1);
      int year = Integer.parseInt(parts[1]);
      double seconds = Double.parseDouble(parts[2]);
      Instant instant =
          LocalDateTime.of(year, 2, year == 2024 ? 29 : 28, 23, 59)
              .toInstant(ZoneOffset.UTC)
              .plusNanos(Math.round(seconds * 1e9));
      assertThat(Tid.of(instant).toString()).isEqualTo(parts[0]);
      assertThat(java.time.Duration.between(Tid.of(instant).toInstant(), instant).abs().toNanos())
          .isLessThan(100);
    }
  }
}
