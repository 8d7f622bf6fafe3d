package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a pack keeps, removes, reports, and leaves when it fails; PackPeerTest compares it with
 * Python.
 */
@Timeout(120)
final class PackTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);
  private static final Oid C = new Oid(3);
  private static final byte[] UNREADABLE = latin1("\200\003cm\nK\n.no pickle");

  @TempDir private Path directory = Path.of("unset");
  private Path file = Path.of("unset");

  @BeforeEach
  void nameFile() {
    file = directory.resolve("Data.fs");
  }

  private FileStorage open() {
    return open(new RealDisk());
  }

  private FileStorage open(Disk disk) {
    return FileStorage.open(
        StorageOptions.of(file).withBlobDirectory(directory.resolve("blobs")),
        disk,
        InstantSource.system());
  }

  /** A record of a persistent object that refers to others. */
  static byte[] record(int filler, Oid... references) {
    StringBuilder state = new StringBuilder("\200\003(");
    for (Oid reference : references) {
      state.append("C\10");
      for (byte each : reference.toBytes()) {
        state.append((char) (each & 0xff));
      }
      state.append('Q');
    }
    state.append("X\0").append((char) (filler >> 8)).append("\0\0");
    state.setCharAt(state.length() - 4, (char) (filler & 0xff));
    state.append("x".repeat(filler)).append("t.");
    return latin1("\200\003cm\nK\n." + state);
  }

  static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  static Tid commit(FileStorage storage, Map<Oid, byte[]> changes) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      changes.forEach((oid, data) -> buffer.store(oid, serial(storage, oid), data));
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  static Tid undo(FileStorage storage, Tid tid) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.undo(tid);
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  private static Tid serial(FileStorage storage, Oid oid) {
    try {
      return storage.currentSerial(oid);
    } catch (NoSuchObjectException e) {
      return Tid.NONE;
    }
  }

  static byte[] current(FileStorage storage, Oid oid) {
    return Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX)).data();
  }

  /** What can be reached from the root of a graph of all objects. */
  static Set<Oid> reachable(Map<Oid, List<Oid>> graph) {
    Set<Oid> reachable = new HashSet<>();
    ArrayDeque<Oid> todo = new ArrayDeque<>(List.of(Oid.ROOT));
    while (!todo.isEmpty()) {
      Oid oid = todo.pop();
      if (reachable.add(oid)) {
        todo.addAll(Objects.requireNonNull(graph.get(oid)));
      }
    }
    return reachable;
  }

  @Test
  void a_record_that_cannot_be_read_is_kept_and_with_it_all_garbage() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, UNREADABLE));
      commit(storage, Map.of(B, record(2), C, record(3)));
      commit(storage, Map.of(C, record(4)));
      PackReport report = storage.pack(storage.lastTransaction());
      assertThat(report.packed()).isTrue();
      assertThat(report.garbageKept()).isTrue();
      assertThat(report.garbage()).isEqualTo(2);
      assertThat(report.removedRecords()).isEqualTo(1);
      assertThat(report.unreadable())
          .singleElement()
          .satisfies(
              each -> {
                assertThat(each.oid()).isEqualTo(A);
                assertThat(each.className()).isEqualTo("m.K");
                assertThat(each.position()).isPositive();
              });
      assertThat(current(storage, B)).isEqualTo(record(2));
      PackOptions anyway =
          new PackOptions(storage.lastTransaction(), true, false, false).withGarbageAnyway(true);
      commit(storage, Map.of(Oid.ROOT, record(9, A)));
      report =
          storage.pack(
              new PackOptions(storage.lastTransaction(), true, false, anyway.garbageAnyway()),
              PackProgress.NONE);
      assertThat(report.garbageKept()).isFalse();
      assertThat(report.garbage()).isEqualTo(2);
      assertThatThrownBy(() -> current(storage, B)).isInstanceOf(NoSuchObjectException.class);
      assertThat(current(storage, A)).isEqualTo(UNREADABLE);
    }
  }

  @Test
  void a_part_of_a_packed_file_keeps_what_nothing_refers_to_yet() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1)));
      commit(storage, Map.of(Oid.ROOT, record(2)));
      // Upstream the root was changed after A was linked, so its packed file has A first.
      restorePacked(storage, A, record(1, B));
      PackReport report = storage.pack(storage.lastTransaction());
      assertThat(report.garbageUnknown()).isTrue();
      assertThat(report.removedRecords()).isEqualTo(1);
      restorePacked(storage, B, record(1));
      restorePacked(storage, Oid.ROOT, record(3, A));
      commit(storage, Map.of(C, record(1)));
      report = storage.pack(storage.lastTransaction());
      assertThat(report.garbageUnknown()).isFalse();
      assertThat(report.garbage()).isEqualTo(1);
      assertThat(current(storage, A)).isEqualTo(record(1, B));
      assertThat(current(storage, B)).isEqualTo(record(1));
    }
  }

  private static void restorePacked(FileStorage storage, Oid oid, byte[] data) {
    Tid tid = storage.lastTransaction().next();
    TransactionBuffer buffer =
        storage.begin(TransactionMetadata.EMPTY, tid, TransactionHeader.STATUS_PACKED, null);
    buffer.restore(oid, tid, data, null);
    storage.restoreAll(List.of(buffer));
  }

  @Test
  void what_was_linked_again_after_the_pack_time_stays() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(1, B), B, record(1)));
      Tid unlinked = commit(storage, Map.of(Oid.ROOT, record(1)));
      commit(storage, Map.of(Oid.ROOT, record(2, A)));
      storage.pack(unlinked);
      assertThat(current(storage, A)).isEqualTo(record(1, B));
      assertThat(current(storage, B)).isEqualTo(record(1));
    }
  }

  @Test
  void what_hangs_below_an_object_that_undo_brought_back_stays() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(1, B), B, record(1)));
      Tid deleted = commit(storage, Map.of(Oid.ROOT, record(2), A, record(2)));
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.undo(deleted);
        VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
        assertThat(voted.undoneOids()).containsExactlyInAnyOrder(Oid.ROOT, A);
        voted.finish();
      }
      storage.pack(deleted);
      assertThat(current(storage, A)).isEqualTo(record(1, B));
      assertThat(current(storage, B)).isEqualTo(record(1));
    }
  }

  @Test
  void a_record_that_a_thread_meets_and_that_is_damaged_ends_the_pack() throws IOException {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(1)));
      commit(storage, Map.of(B, record(1)));
      Tid last = commit(storage, Map.of(B, record(2)));
      FaultyDisk disk = new FaultyDisk(new RealDisk());
      Path copy = Files.createDirectory(directory.resolve("copy")).resolve("Data.fs");
      Files.copy(file, copy);
      try (FileStorage damaged =
          FileStorage.open(StorageOptions.of(copy), disk, InstantSource.system())) {
        AtomicBoolean done = new AtomicBoolean();
        byte[] bytes = Files.readAllBytes(copy);
        int root = 4 + 23;
        assertThatThrownBy(
                () ->
                    damaged.pack(
                        new PackOptions(last, true, true, false),
                        (phase, at, total) -> {
                          if (done.compareAndSet(false, true)) {
                            // The oid of the first record.
                            write(copy, root + 3, (byte) 77);
                          }
                        }))
            .isInstanceOf(CorruptDataException.class)
            .hasMessageContaining("here stands a record of oid");
        assertThat(done).isTrue();
        assertThat(bytes[root + 3]).isZero();
        assertThat(copy.resolveSibling("Data.fs.pack")).doesNotExist();
      }
    }
  }

  private static void write(Path path, long position, byte value) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {value}), position);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void without_room_a_pack_does_not_begin_and_says_how_much_it_needs() throws IOException {
    FaultyDisk disk = new FaultyDisk(new RealDisk());
    try (FileStorage storage = open(disk)) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(1)));
      commit(storage, Map.of(A, record(60_000), B, record(60_000)));
      commit(storage, Map.of(A, record(30_000)));
      byte[] before = Files.readAllBytes(file);
      disk.setFreeSpace(30_000);
      int operations = disk.operations();
      assertThatThrownBy(() -> storage.pack(storage.lastTransaction()))
          .isInstanceOf(StorageException.class)
          .hasMessageMatching(
              ".*Data.fs: no room for a pack: it needs 1[0-9]{6} bytes beside the present file, and"
                  + " 30000 are free in .*; nothing is changed");
      // Only what an earlier pack kept was removed.
      assertThat(disk.operations() - operations).isLessThanOrEqualTo(3);
      assertThat(Files.readAllBytes(file)).isEqualTo(before);
      commit(storage, Map.of(A, record(3)));
      disk.setFreeSpace(30_000 + (2 << 20));
      assertThat(storage.pack(storage.lastTransaction()).packed()).isTrue();
    }
  }

  @Test
  void the_report_names_the_classes_of_what_was_removed() {
    byte[] other = latin1("\200\003cx.y\nOther\nq\0.\200\003N.");
    byte[] withArguments = latin1("\200\003(cx.y\nArgs\nq\0Nt.\200\003N.");
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1), A, record(100), B, other, C, withArguments));
      commit(storage, Map.of(A, record(200)));
      Tid last = commit(storage, Map.of(Oid.ROOT, record(2)));
      PackReport report = storage.pack(last);
      assertThat(report.removedClasses())
          .containsExactly(
              new PackReport.RemovedClass(
                  "m.K", 3, 3 * 42 + record(1).length + record(100).length + record(200).length),
              new PackReport.RemovedClass("x.y.Args", 1, 42 + withArguments.length),
              new PackReport.RemovedClass("x.y.Other", 1, 42 + other.length));
      assertThat(report.removedRecords()).isEqualTo(5);
      assertThat(report.longestStop()).isPositive();
      assertThat(storage.pack(last).removedClasses()).isEmpty();
    }
  }

  @Test
  void many_objects_of_every_shape_stay_if_and_only_if_they_can_be_reached() {
    int objects = 6_000;
    Random random = new Random(7);
    Map<Oid, List<Oid>> graph = new HashMap<>();
    for (int i = 0; i < objects; i++) {
      List<Oid> references = new ArrayList<>();
      for (int n = random.nextInt(i % 50 == 0 ? 60 : 3); n > 0; n--) {
        references.add(new Oid(random.nextInt(objects)));
      }
      graph.put(new Oid(i), references);
    }
    Set<Oid> reachable = reachable(graph);
    assertThat(reachable.size()).isBetween(objects / 10, objects - 100);
    try (FileStorage storage = open()) {
      Map<Oid, byte[]> records = new HashMap<>();
      graph.forEach((oid, to) -> records.put(oid, record(5, to.toArray(Oid[]::new))));
      Tid last = commit(storage, records);
      PackReport report = storage.pack(last);
      assertThat(report.garbage()).isEqualTo(objects - reachable.size());
      assertThat(storage.objectCount()).isEqualTo(reachable.size());
      for (Oid oid : reachable) {
        assertThat(current(storage, oid)).isEqualTo(records.get(oid));
      }
    }
  }

  @Test
  void without_a_root_object_nothing_is_packed() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(A, record(1)));
      commit(storage, Map.of(A, record(2)));
      assertThatThrownBy(() -> storage.pack(storage.lastTransaction()))
          .isInstanceOfSatisfying(
              NoSuchObjectException.class, e -> assertThat(e.oid()).isEqualTo(Oid.ROOT));
      assertThat(current(storage, A)).isEqualTo(record(2));
      commit(storage, Map.of(A, record(3)));
    }
  }

  @Test
  void the_last_tid_never_goes_back() {
    Tid last;
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1), A, record(1)));
      last = commit(storage, Map.of(A, record(2)));
      storage.pack(last);
      assertThat(storage.lastTransaction()).isEqualTo(last);
      assertThatThrownBy(() -> current(storage, A)).isInstanceOf(NoSuchObjectException.class);
    }
    try (FileStorage storage = open()) {
      assertThat(storage.lastTransaction()).isEqualTo(last);
    }
  }

  @Test
  void every_operation_that_fails_leaves_the_old_file_or_the_new_one() throws IOException {
    int point = 1;
    boolean failed = true;
    int stoppedWriting = 0;
    while (failed) {
      Path folder = Files.createDirectory(directory.resolve("at" + point));
      file = folder.resolve("Data.fs");
      FaultyDisk disk = new FaultyDisk(new RealDisk());
      StorageOptions options = StorageOptions.of(file).withBlobDirectory(folder.resolve("blobs"));
      String before;
      Tid kept;
      try (FileStorage storage = FileStorage.open(options, disk, InstantSource.system())) {
        commit(storage, Map.of(Oid.ROOT, record(1, A, B), A, record(1), C, record(1)));
        storeBlob(storage, B, "one");
        kept = storeBlob(storage, B, "two");
        before = states(storage);
        disk.failAt(disk.operations() + point);
        try {
          storage.pack(storage.lastTransaction());
        } catch (StorageException e) {
          assertThat(e).hasMessageContaining("no luck with: " + disk.failed());
        }
        failed = disk.failed() != null;
        disk.failAt(-1);
        assertThat(states(storage)).isEqualTo(before);
        assertThat(storage.blobs().orElseThrow().exists(B, kept)).isTrue();
        if (storage.failure().isPresent()) {
          stoppedWriting++;
        } else {
          commit(storage, Map.of(A, record(7)));
          before = states(storage);
          storage.pack(storage.lastTransaction());
          assertThat(states(storage)).isEqualTo(before);
        }
      }
      try (FileStorage storage =
          FileStorage.open(options, new RealDisk(), InstantSource.system())) {
        assertThat(states(storage)).as("after %s", disk.failed()).isEqualTo(before);
        assertThat(storage.blobs().orElseThrow().exists(B, kept)).isTrue();
      }
      assertThat(folder.resolve("Data.fs.pack")).doesNotExist();
      assertThat(folder.resolve("blobs/.removed-by-zrs-pack")).doesNotExist();
      point++;
    }
    assertThat(point).isGreaterThan(20);
    // A sync of the data file, or of its new name.
    assertThat(stoppedWriting).isBetween(1, 3);
  }

  static Tid storeBlob(FileStorage storage, Oid oid, String content) {
    try {
      Path temporary = storage.blobs().orElseThrow().createTemporary();
      Files.writeString(temporary, content);
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.storeBlob(
            oid,
            serial(storage, oid),
            latin1("\200\003cZODB.blob\nBlob\nq\0.\200\003N."),
            temporary);
        VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
        voted.finish();
        return voted.tid();
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String states(FileStorage storage) {
    StringBuilder text = new StringBuilder();
    for (Oid oid : List.of(Oid.ROOT, A, B)) {
      Revision revision = Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX));
      text.append(oid).append(revision.serial()).append(Dump.digest(revision.data())).append('\n');
    }
    return text.toString();
  }
}
