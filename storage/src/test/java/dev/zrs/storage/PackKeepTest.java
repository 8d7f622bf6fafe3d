package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

  private static void undo(FileStorage storage, Tid tid) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.undo(tid);
      storage.vote(buffer, storage.commitLock().claim("test")).finish();
    }
  }

  /** The newest record of A has the data that it had first, and leads to the record that stayed. */
  private void assertTargetStayed(FileStorage storage, byte[] data) throws IOException {
    assertThat(PackTest.current(storage, A)).isEqualTo(data);
    try (DataFile packed =
        new DataFile(file, new RealDisk().open(file, Disk.Mode.READ, "open data file"))) {
      FileScan scan = new FileScan(packed, new ObjectIndex(), DataFile.START, Tid.NONE, 0, false);
      scan.run();
      List<DataHeader> records = recordsOfA(packed, scan.end());
      assertThat(records).hasSize(2);
      assertThat(packed.data(records.getFirst())).isEqualTo(data);
      DataHeader young = records.getLast();
      assertThat(packed.backPointer(young)).isEqualTo(records.getFirst().position());
      assertThat(young.previous()).isEqualTo(records.getFirst().position());
    }
    List<FileCheck.Problem> problems = new ArrayList<>();
    FileCheck.run(file, new RealDisk(), problems::add, FileProgress.NONE);
    assertThat(problems).isEmpty();
  }

  private static List<DataHeader> recordsOfA(DataFile packed, long end) {
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

  @Test
  void of_an_object_that_was_garbage_only_the_record_stays_that_an_undo_points_back_to()
      throws IOException {
    byte[] first = PackTest.record(1);
    try (FileStorage storage = open()) {
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, first));
      Tid changed = PackTest.commit(storage, Map.of(A, PackTest.record(2)));
      Tid unlinked = PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(3)));
      undo(storage, changed);
      PackReport report = storage.pack(unlinked);
      assertThat(report.garbage()).isEqualTo(1);
      assertTargetStayed(storage, first);
    }
    Files.delete(directory.resolve("Data.fs.index"));
    try (FileStorage storage = open()) {
      assertTargetStayed(storage, first);
    }
  }

  @Test
  void of_an_object_that_was_deleted_the_record_stays_that_an_undo_points_back_to()
      throws IOException {
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
      undo(storage, deleted);
      storage.pack(deleted);
      assertTargetStayed(storage, first);
    }
    Files.delete(directory.resolve("Data.fs.index"));
    try (FileStorage storage = open()) {
      assertTargetStayed(storage, first);
    }
  }
}
