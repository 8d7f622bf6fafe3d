package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PackScanTest {
  @TempDir private Path directory = Path.of("unset");

  @Test
  void oids_in_any_order_take_no_more_memory_than_others() throws IOException {
    // More pages than an index always has, each with as many objects as make it dense.
    int pages = 1_500;
    int perPage = 100;
    int objects = pages * perPage;
    byte[] data = Pickles.mapping(0);
    Path path = directory.resolve("Data.fs");
    long end;
    try (FileStorage storage =
            FileStorage.open(StorageOptions.of(path), new RealDisk(), InstantSource.system());
        TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      for (int i = 0; i < objects; i++) {
        // From page to page, so that none is dense before all nearly are.
        long oid = (long) (i % pages) * ObjectIndex.PAGE_SIZE + i / pages;
        buffer.store(new Oid(oid), Tid.NONE, data);
      }
      storage.vote(buffer, storage.commitLock().claim("test")).finish();
      end = storage.size();
    }
    try (DataFile file =
        new DataFile(path, new RealDisk().open(path, Disk.Mode.READ, "open data file"))) {
      PackScan scan = new PackScan(file, end, Tid.MAX, () -> false);
      scan.run(PackProgress.NONE);
      assertThat(scan.current().size()).isEqualTo(objects);
      assertThat(scan.current().sparseSize()).isZero();
    }
  }
}
