package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How a place in the file is found for who reads from there. */
@Timeout(60)
final class TransactionSearchTest {
  private static final int COUNT = 400;

  @TempDir private Path directory = Path.of("unset");

  private static List<Tid> commit(FileStorage storage) {
    List<Tid> tids = new ArrayList<>();
    for (int i = 1; i <= COUNT; i++) {
      // At even distances, as what is nearer is told from the time.
      Tid tid = new Tid((1L << 40) + i);
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, tid, ' ', null)) {
        buffer.store(new Oid(i), Tid.NONE, new byte[] {1});
        storage.vote(buffer, storage.commitLock().claim("test")).finish();
      }
      tids.add(tid);
    }
    return tids;
  }

  @Test
  void it_begins_at_the_nearer_end_and_stops_when_nobody_wants_it_any_more() {
    try (FileStorage storage =
        FileStorage.open(
            StorageOptions.of(directory.resolve("Data.fs")),
            new RealDisk(),
            InstantSource.system())) {
      List<Tid> tids = commit(storage);
      for (int at : new int[] {0, 3, COUNT - 4, COUNT - 2}) {
        AtomicInteger steps = new AtomicInteger();
        try (TransactionReader reader =
            storage.transactionsAfter(tids.get(at), () -> steps.incrementAndGet() > 0)) {
          TransactionRecord next = Objects.requireNonNull(reader.next());
          assertThat(next.tid()).isEqualTo(tids.get(at + 1));
        }
        assertThat(steps.get()).isBetween(1, 6);
      }
      Tid middle = tids.get(COUNT / 2);
      AtomicInteger steps = new AtomicInteger();
      assertThatThrownBy(
              () -> storage.transactionsAfter(middle, () -> steps.incrementAndGet() <= 20))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining(middle.toString());
      assertThat(steps).hasValue(21);
      assertThatThrownBy(() -> storage.ancestry(middle, () -> steps.incrementAndGet() <= 40))
          .isInstanceOf(StorageException.class);
      assertThat(steps).hasValue(41);
    }
  }
}
