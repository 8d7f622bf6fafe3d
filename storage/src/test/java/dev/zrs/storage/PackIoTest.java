package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How much a pack reads, and when it syncs. */
@Timeout(120)
final class PackIoTest {
  @TempDir private Path directory = Path.of("unset");

  private FileStorage open(Disk disk) {
    return FileStorage.open(
        StorageOptions.of(directory.resolve("Data.fs")), disk, InstantSource.system());
  }

  @Test
  void undone_records_are_not_read_a_window_at_a_time() {
    int objects = 4_000;
    Oid[] all = new Oid[objects];
    Map<Oid, byte[]> first = new HashMap<>();
    Map<Oid, byte[]> second = new HashMap<>();
    for (int i = 0; i < objects; i++) {
      all[i] = new Oid(i + 1);
      first.put(all[i], PackTest.record(300));
      second.put(all[i], PackTest.record(400));
    }
    first.put(Oid.ROOT, PackTest.record(1, all));
    FaultyDisk disk = new FaultyDisk(new RealDisk());
    try (FileStorage storage = open(disk)) {
      PackTest.commit(storage, first);
      Tid undone = PackTest.commit(storage, second);
      PackTest.undo(storage, undone);
      long size = storage.size();
      long before = disk.bytesRead();
      PackReport report = storage.pack(storage.lastTransaction());
      assertThat(report.removedRecords()).isEqualTo(2L * objects);
      for (Oid oid : all) {
        assertThat(PackTest.current(storage, oid)).isEqualTo(first.get(oid));
      }
      // Twice from end to end; what each record points back to, three times.
      assertThat(disk.bytesRead() - before).isBetween(2 * size, 2 * size + 3L * objects * 2_000);
    }
  }

  @Test
  void what_is_copied_is_synced_time_and_again() {
    FaultyDisk disk = new FaultyDisk(new RealDisk());
    int records = 6;
    try (FileStorage storage = open(disk)) {
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(1)));
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(2)));
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(3)));
      assertThat(storage.pack(storage.lastTransaction()).packed()).isTrue();
      int few = disk.operations("sync packed file");
      Map<Oid, byte[]> large = new HashMap<>();
      for (int i = 0; i < records; i++) {
        large.put(new Oid(i), Pickles.mapping(PackCopier.SYNC_EVERY / 4));
      }
      PackTest.commit(storage, large);
      Tid last = PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(4)));
      PackOptions options = new PackOptions(last, false, false, false);
      assertThat(storage.pack(options, PackProgress.NONE).packed()).isTrue();
      assertThat(disk.operations("sync packed file") - few).isEqualTo(few + 1);
    }
  }
}
