package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records that stay only because what was undone after the pack time points back to them. */
final class PackKeepTest {
  private static final Oid A = new Oid(1);

  @TempDir private Path directory = Path.of("unset");
  private Path file = Path.of("unset");

  @BeforeEach
  void nameFile() {
    file = directory.resolve("Data.fs");
  }

  private FileStorage open() {
    return FileStorage.open(StorageOptions.of(file), new RealDisk(), InstantSource.system());
  }

  /**
   * So many of A's packed records stayed, younger ones point to them, the first of which comes
   * after the last of them; and the object has these data.
   */
  private void assertTargetsStayed(FileStorage storage, int targets, byte[] data)
      throws IOException {
    assertThat(PackTest.current(storage, A)).isEqualTo(data);
    try (DataFile packed =
        new DataFile(file, new RealDisk().open(file, Disk.Mode.READ, "open data file"))) {
      List<DataHeader> records = recordsOfA(packed);
      List<DataHeader> stayed = records.subList(0, targets);
      List<DataHeader> young = records.subList(targets, records.size());
      assertThat(stayed).noneMatch(DataHeader::hasBackPointer);
      assertThat(young)
          .filteredOn(DataHeader::hasBackPointer)
          .extracting(packed::backPointer)
          .containsExactlyInAnyOrderElementsOf(stayed.stream().map(DataHeader::position).toList());
      long previous = stayed.getLast().position();
      for (DataHeader record : young) {
        assertThat(record.previous()).isEqualTo(previous);
        previous = record.position();
      }
    }
    List<FileCheck.Problem> problems = new ArrayList<>();
    FileCheck.run(file, new RealDisk(), problems::add, FileProgress.NONE);
    assertThat(problems).isEmpty();
  }

  private static List<DataHeader> recordsOfA(DataFile packed) {
    long end = packed.size();
    List<DataHeader> found = new ArrayList<>();
    TransactionCursor cursor = new TransactionCursor(packed, DataFile.START);
    for (TransactionRecord t = cursor.next(end); t != null; t = cursor.next(end)) {
      for (DataHeader record = t.nextHeader(); record != null; record = t.nextHeader()) {
        if (record.oid().equals(A)) {
          found.add(record);
        }
      }
    }
    return found;
  }

  private void assertStillSo(int targets, byte[] data) throws IOException {
    Files.delete(directory.resolve("Data.fs.index"));
    try (FileStorage storage = open()) {
      assertTargetsStayed(storage, targets, data);
    }
  }

  @Test
  void of_garbage_only_those_records_stay_that_undos_point_back_to() throws IOException {
    byte[] first = PackTest.record(1);
    try (FileStorage storage = open()) {
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, first));
      Tid second = PackTest.commit(storage, Map.of(A, PackTest.record(2)));
      Tid third = PackTest.commit(storage, Map.of(A, PackTest.record(3)));
      Tid unlinked = PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(4)));
      PackTest.undo(storage, third);
      PackTest.undo(storage, second);
      assertThat(storage.pack(unlinked).garbage()).isEqualTo(1);
      assertTargetsStayed(storage, 2, first);
    }
    assertStillSo(2, first);
  }

  @Test
  void the_last_record_of_garbage_stays_if_an_undo_points_back_to_it() throws IOException {
    byte[] second = PackTest.record(2);
    try (FileStorage storage = open()) {
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, PackTest.record(1)));
      PackTest.commit(storage, Map.of(A, second));
      Tid unlinked = PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(3)));
      PackTest.undo(storage, PackTest.commit(storage, Map.of(A, PackTest.record(4))));
      assertThat(storage.pack(unlinked).garbage()).isEqualTo(1);
      assertTargetsStayed(storage, 1, second);
    }
    assertStillSo(1, second);
  }

  @Test
  void of_a_deleted_object_the_record_stays_that_an_undo_points_back_to() throws IOException {
    byte[] first = PackTest.record(1);
    try (FileStorage storage = open()) {
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, first));
      Tid deleted;
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.delete(A, storage.currentSerial(A));
        VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
        voted.finish();
        deleted = voted.tid();
      }
      PackTest.undo(storage, deleted);
      storage.pack(deleted);
      assertTargetsStayed(storage, 1, first);
    }
    assertStillSo(1, first);
  }

  @Test
  void garbage_of_which_a_record_stays_may_be_linked_while_the_pack_runs() {
    byte[] first = PackTest.record(1);
    try (FileStorage storage = open()) {
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, first));
      Tid changed = PackTest.commit(storage, Map.of(A, PackTest.record(2)));
      Tid unlinked = PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(3)));
      PackTest.undo(storage, changed);
      AtomicBoolean done = new AtomicBoolean();
      storage.pack(
          new PackOptions(unlinked, true, true, false),
          (phase, at, total) -> {
            if (phase == PackProgress.Phase.COPY && done.compareAndSet(false, true)) {
              PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(5, A)));
            }
          });
      assertThat(done).isTrue();
      assertThat(PackTest.current(storage, A)).isEqualTo(first);
      assertThat(PackTest.current(storage, Oid.ROOT)).isEqualTo(PackTest.record(5, A));
    }
  }

  @Test
  void a_record_that_stays_and_is_not_met_again_ends_the_pack() {
    for (boolean onlyMarked : new boolean[] {true, false}) {
      ObjectIndex index = new ObjectIndex();
      index.put(1, 400);
      index.put(2, 500);
      PackKeep keep = new PackKeep(index);
      if (onlyMarked) {
        keep.keepOnlyMarked();
        keep.mark(2);
      } else {
        keep.moved(new DataHeader(400, A, new Tid(7), 0, 4, 10), 300);
      }
      assertThatThrownBy(keep::finishIndex)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("oid 0000000000000002 at position 500 stays");
    }
  }
}
