package dev.zrs.storage;

import static dev.zrs.storage.PackTest.commit;
import static dev.zrs.storage.PackTest.current;
import static dev.zrs.storage.PackTest.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pack of a storage that is in use, or is closed meanwhile. */
@Timeout(120)
final class PackInUseTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);

  @TempDir private Path directory = Path.of("unset");
  private Path file = Path.of("unset");

  @BeforeEach
  void nameFile() {
    file = directory.resolve("Data.fs");
  }

  private FileStorage open() {
    return FileStorage.open(
        StorageOptions.of(file).withBlobDirectory(directory.resolve("blobs")),
        new RealDisk(),
        InstantSource.system());
  }

  @Test
  void what_is_linked_again_while_the_pack_runs_stops_it() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(1)));
      Tid unlinked = commit(storage, Map.of(Oid.ROOT, record(1)));
      AtomicBoolean done = new AtomicBoolean();
      String before = Dump.of(storage);
      assertThatThrownBy(
              () ->
                  storage.pack(
                      new PackOptions(unlinked, true, true, false),
                      (phase, at, total) -> {
                        if (phase == PackProgress.Phase.COPY && done.compareAndSet(false, true)) {
                          commit(storage, Map.of(Oid.ROOT, record(3, A)));
                        }
                      }))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("was linked again");
      assertThat(current(storage, A)).isEqualTo(record(1));
      assertThat(Dump.of(storage)).startsWith(before.substring(0, before.indexOf("L ")));
      assertThat(file.resolveSibling("Data.fs.pack")).doesNotExist();
      assertThat(file.resolveSibling("Data.fs.old")).doesNotExist();
      storage.pack(storage.lastTransaction());
      assertThat(current(storage, A)).isEqualTo(record(1));
    }
  }

  @Test
  void undo_while_a_pack_runs_points_to_nothing_that_goes() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(1)));
      Tid second = commit(storage, Map.of(A, record(2)));
      Tid third = commit(storage, Map.of(Oid.ROOT, record(3, A)));
      AtomicBoolean done = new AtomicBoolean();
      storage.pack(
          new PackOptions(third, true, true, false),
          (phase, at, total) -> {
            if (phase == PackProgress.Phase.COPY && done.compareAndSet(false, true)) {
              PackTest.undo(storage, second);
            }
          });
      assertThat(done).isTrue();
      assertThat(current(storage, A)).isEqualTo(record(1));
    }
    try (FileStorage storage = open()) {
      assertThat(current(storage, A)).isEqualTo(record(1));
    }
  }

  @Test
  void a_second_pack_is_refused_while_one_runs() throws Exception {
    try (FileStorage storage = open();
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      commit(storage, Map.of(Oid.ROOT, record(1)));
      commit(storage, Map.of(Oid.ROOT, record(2)));
      CountDownLatch running = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      Future<PackReport> first =
          other.submit(
              () ->
                  storage.pack(
                      new PackOptions(storage.lastTransaction(), true, true, false),
                      (phase, done, total) -> {
                        running.countDown();
                        awaitQuietly(goOn);
                      }));
      assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();
      assertThatThrownBy(() -> storage.pack(storage.lastTransaction()))
          .isInstanceOf(StorageException.class)
          .hasMessage("Already packing");
      goOn.countDown();
      assertThat(first.get(30, TimeUnit.SECONDS).packed()).isTrue();
    }
  }

  @Test
  void closing_ends_a_pack_that_waits_for_a_client_which_never_finishes() throws Exception {
    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      FileStorage storage = open();
      Future<PackReport> pack;
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        commit(storage, Map.of(Oid.ROOT, record(1)));
        commit(storage, Map.of(Oid.ROOT, record(2)));
        CountDownLatch copying = new CountDownLatch(1);
        CountDownLatch voted = new CountDownLatch(1);
        pack =
            other.submit(
                () ->
                    storage.pack(
                        new PackOptions(storage.lastTransaction(), true, true, false),
                        (phase, done, total) -> {
                          copying.countDown();
                          awaitQuietly(voted);
                        }));
        assertThat(copying.await(30, TimeUnit.SECONDS)).isTrue();
        buffer.store(A, Tid.NONE, record(3));
        storage.vote(buffer, storage.commitLock().claim("hung client"));
        voted.countDown();
        await().until(() -> storage.commitLock().waiting() == 1);
      } finally {
        storage.close();
      }
      assertThatThrownBy(() -> pack.get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(StorageException.class);
    }
    try (FileStorage storage = open()) {
      assertThat(current(storage, Oid.ROOT)).isEqualTo(record(2));
      assertThat(file.resolveSibling("Data.fs.pack")).doesNotExist();
    }
  }

  @Test
  void closing_ends_a_pack_in_each_of_its_parts_and_nothing_is_left_behind() throws Exception {
    byte[] before = new byte[0];
    for (PackProgress.Phase part : PackProgress.Phase.values()) {
      try (ExecutorService other = Executors.newSingleThreadExecutor()) {
        FileStorage storage = open();
        if (before.length == 0) {
          commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(1), B, record(1)));
          commit(storage, Map.of(A, record(2)));
          before = Files.readAllBytes(file);
        }
        CountDownLatch there = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Future<PackReport> pack =
            other.submit(
                () ->
                    storage.pack(
                        new PackOptions(storage.lastTransaction(), true, true, false),
                        (phase, done, total) -> {
                          if (phase == part) {
                            there.countDown();
                            awaitQuietly(goOn);
                          }
                        }));
        assertThat(there.await(30, TimeUnit.SECONDS)).isTrue();
        Future<?> closing = inBackground(storage::close);
        await().until(() -> isClosed(storage));
        goOn.countDown();
        closing.get(60, TimeUnit.SECONDS);
        assertThatThrownBy(() -> pack.get(30, TimeUnit.SECONDS))
            .as("%s", part)
            .hasCauseInstanceOf(StorageException.class)
            .hasMessageContaining("the pack was stopped");
      }
      assertThat(Files.readAllBytes(file)).isEqualTo(before);
      assertThat(file.resolveSibling("Data.fs.pack")).doesNotExist();
      assertThat(file.resolveSibling("Data.fs.old")).doesNotExist();
      assertThat(directory.resolve("blobs/.removed-by-zrs-pack")).doesNotExist();
    }
  }

  private static Future<?> inBackground(Runnable work) {
    FutureTask<Void> task = new FutureTask<>(work, null);
    Thread.ofPlatform().daemon().start(task);
    return task;
  }

  private static boolean isClosed(FileStorage storage) {
    try {
      storage.currentSerial(Oid.ROOT);
      return false;
    } catch (StorageException e) {
      return true;
    }
  }

  @Test
  void a_rate_slows_the_pack_but_neither_commits_nor_what_they_bring() {
    try (FileStorage storage = open()) {
      commit(storage, Map.of(Oid.ROOT, record(1, A), A, record(20_000)));
      Tid last = commit(storage, Map.of(A, record(20_000)));
      AtomicBoolean done = new AtomicBoolean();
      long begun = System.nanoTime();
      PackReport report =
          storage.pack(
              new PackOptions(last, true, false, false, 60_000),
              (phase, at, total) -> {
                if (phase == PackProgress.Phase.COPY && done.compareAndSet(false, true)) {
                  for (int i = 0; i < 200; i++) {
                    // At that rate these would take minutes.
                    commit(storage, Map.of(A, record(60_000)));
                  }
                }
              });
      assertThat(report.packed()).isTrue();
      // The file is read twice, and half of it is written.
      assertThat(System.nanoTime() - begun).isGreaterThan(1_400_000_000L);
      assertThat(current(storage, A)).isEqualTo(record(60_000));
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void readers_and_writers_go_on_while_packs_follow_each_other() throws Exception {
    int objects = 40;
    int writers = 3;
    String state;
    try (FileStorage storage = open();
        ExecutorService threads = Executors.newCachedThreadPool()) {
      Oid[] all = new Oid[objects];
      Map<Oid, byte[]> first = new HashMap<>();
      for (int i = 0; i < objects; i++) {
        all[i] = new Oid(i + 1);
        first.put(all[i], record(0));
      }
      first.put(Oid.ROOT, record(0, all));
      commit(storage, first);
      AtomicBoolean stop = new AtomicBoolean();
      List<Future<Integer>> counts = new ArrayList<>();
      for (int w = 0; w < writers; w++) {
        int own = w;
        counts.add(
            threads.submit(
                () -> {
                  int n = 0;
                  while (!stop.get()) {
                    // Two objects that only this thread changes, always to the same state.
                    Map<Oid, byte[]> changes = new HashMap<>();
                    changes.put(all[own], record(n % 5000));
                    changes.put(all[own + writers], record(n % 5000));
                    commit(storage, changes);
                    n++;
                  }
                  return n;
                }));
      }
      Future<Integer> reading =
          threads.submit(
              () -> {
                int n = 0;
                while (!stop.get()) {
                  Tid asOf = storage.lastTransaction().next();
                  int own = n % writers;
                  byte[] one = loadIfKept(storage, all[own], asOf);
                  byte[] other = loadIfKept(storage, all[own + writers], asOf);
                  // Both, or the revision was packed away in between.
                  if (one.length > 0 && other.length > 0) {
                    assertThat(one).isEqualTo(other);
                  }
                  n++;
                }
                return n;
              });
      Future<Long> following =
          threads.submit(
              () -> {
                long n = 0;
                Tid seen = Tid.NONE;
                try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
                  while (!stop.get() || seen.compareTo(storage.lastTransaction()) < 0) {
                    TransactionRecord transaction = reader.next();
                    if (transaction == null) {
                      storage.feed().awaitAfter(seen, java.time.Duration.ofMillis(100));
                      continue;
                    }
                    assertThat(transaction.tid()).isGreaterThan(seen);
                    seen = transaction.tid();
                    while (transaction.nextRecord() != null) {
                      n++;
                    }
                  }
                }
                return n;
              });
      int packed = 0;
      for (int i = 0; i < 25; i++) {
        if (storage.pack(storage.lastTransaction()).packed()) {
          packed++;
        }
      }
      stop.set(true);
      long commits = 0;
      for (Future<Integer> count : counts) {
        commits += count.get(30, TimeUnit.SECONDS);
      }
      assertThat(packed).isGreaterThan(10);
      assertThat(commits).isGreaterThan(50);
      assertThat(reading.get(30, TimeUnit.SECONDS)).isGreaterThan(50);
      assertThat(following.get(30, TimeUnit.SECONDS)).isGreaterThan(50);
      state = Dump.of(storage);
    }
    Files.delete(file.resolveSibling("Data.fs.index"));
    try (FileStorage again = open()) {
      assertThat(Dump.of(again)).isEqualTo(state);
    }
  }

  private static byte[] loadIfKept(FileStorage storage, Oid oid, Tid before) {
    Revision revision = storage.loadBefore(oid, before);
    return revision == null ? new byte[0] : revision.data();
  }
}
