package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.zrs.testkit.Bounds;
import dev.zrs.testkit.HexLines;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/**
 * Whatever stands in a {@code Data.fs} or its index: it is read or refused with a {@link
 * StorageException}, soon and without a large allocation. In {@code ./test} the kept inputs are
 * tried; {@code ./test long fuzz} looks for others.
 */
class StorageFuzz {
  private static final Path FILE = Path.of("Data.fs");
  private static final InstantSource CLOCK =
      InstantSource.fixed(Instant.parse("2024-02-29T12:00:00Z"));

  /** The windows on the file and the index are of a fixed size, and there are several. */
  private static final long WINDOWS = 160L << 20;

  static {
    // Every input has its warnings.
    ((Logger) LoggerFactory.getLogger("ZODB.FileStorage")).setLevel(Level.OFF);
  }

  private static Bounds bounds(byte[] input) {
    return new Bounds(WINDOWS + 4_000L * input.length, Duration.ofSeconds(5));
  }

  static List<byte[]> files() {
    return HexLines.of(StorageFuzz.class, "fuzz-files.txt");
  }

  static List<byte[]> recipes() {
    return HexLines.of(StorageFuzz.class, "fuzz-recipes.txt");
  }

  static List<byte[]> indexes() {
    return HexLines.of(StorageFuzz.class, "fuzz-indexes.txt");
  }

  @MethodSource("files")
  @FuzzTest
  void any_file_is_read(byte[] input) {
    bounds(input).check(() -> read(input, null));
  }

  @MethodSource("recipes")
  @FuzzTest
  void any_described_file_is_read(byte[] input) {
    byte[] file = FuzzedDataFile.of(input);
    bounds(file).check(() -> read(file, null));
  }

  @MethodSource("recipes")
  @FuzzTest
  void any_described_file_is_written_and_packed(byte[] input) {
    byte[] file = FuzzedDataFile.of(input);
    bounds(file).check(() -> writeAndPack(file));
  }

  @MethodSource("recipes")
  @FuzzTest
  void any_described_file_is_checked_and_recovered(byte[] input) {
    byte[] file = FuzzedDataFile.of(input);
    bounds(file).check(() -> checkAndRecover(file));
  }

  @MethodSource("indexes")
  @FuzzTest
  void any_index_is_read(byte[] input) {
    byte[] file = FuzzedDataFile.of(recipes().getFirst());
    bounds(input).check(() -> read(file, input));
  }

  private static void read(byte[] file, byte @Nullable [] index) {
    FuzzDisk disk = new FuzzDisk();
    disk.put(FILE, file);
    if (index != null) {
      disk.put(Path.of("Data.fs.index"), index);
    }
    try (FileStorage storage =
        FileStorage.open(StorageOptions.of(FILE).withReadOnly(true), disk, CLOCK)) {
      readAll(storage);
    } catch (StorageException e) {
      assertThat(e).hasMessageContaining("Data.fs");
    }
  }

  private static void readAll(FileStorage storage) {
    Set<Oid> oids = new LinkedHashSet<>();
    Set<Tid> tids = new TreeSet<>();
    quietly(() -> iterate(storage, oids, tids));
    quietly(() -> storage.undoLog(0, 100, transaction -> true));
    quietly(() -> storage.lastCommits(10));
    for (Tid tid : tids) {
      quietly(() -> count(storage.transactionsAfter(tid)));
      quietly(() -> count(storage.transactions(tid, tid)));
    }
    quietly(() -> followRecords(storage, oids));
    for (Oid oid : oids) {
      quietly(() -> storage.currentSerial(oid));
      quietly(() -> storage.history(oid, 100));
      quietly(() -> revisions(storage, oid));
    }
  }

  private static void iterate(FileStorage storage, Set<Oid> oids, Set<Tid> tids) {
    try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        tids.add(transaction.tid());
        DataRecord record = transaction.nextRecord();
        while (record != null) {
          oids.add(record.oid());
          record = transaction.nextRecord();
        }
        transaction = reader.next();
      }
    }
  }

  private static void count(TransactionReader transactions) {
    try (transactions) {
      while (transactions.next() != null) {
        // Reading them is the test.
      }
    }
  }

  private static void followRecords(FileStorage storage, Set<Oid> oids) {
    Oid oid = new Oid(0);
    while (oid != null) {
      CurrentRecord record = storage.recordFrom(oid);
      if (record == null) {
        break;
      }
      oids.add(record.oid());
      Oid following = record.next();
      assertThat(
              following == null
                  || Long.compareUnsigned(following.value(), record.oid().value()) > 0)
          .isTrue();
      oid = following;
    }
  }

  private static void revisions(FileStorage storage, Oid oid) {
    Tid before = new Tid(-1);
    Revision revision = storage.loadBefore(oid, before);
    while (revision != null) {
      assertThat(revision.serial()).isLessThan(before);
      before = revision.serial();
      Tid serial = before;
      quietly(() -> storage.loadSerial(oid, serial));
      revision = storage.loadBefore(oid, before);
    }
  }

  private static void writeAndPack(byte[] file) {
    FuzzDisk disk = new FuzzDisk();
    disk.put(FILE, file);
    Oid oid;
    byte[] data = Pickles.mapping(9);
    try (FileStorage storage = FileStorage.open(StorageOptions.of(FILE), disk, CLOCK)) {
      oid = storage.newOid();
      TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null);
      buffer.store(oid, Tid.NONE, data);
      storage.vote(buffer, storage.commitLock().claim("fuzz")).finish();
      quietly(() -> pack(storage, false, true));
      quietly(() -> pack(storage, true, false));
      readAll(storage);
    } catch (StorageException e) {
      return;
    }
    read(disk.content(FILE), null);
  }

  private static void pack(FileStorage storage, boolean collectGarbage, boolean anyway) {
    Tid time = PackOptions.tidOf(CLOCK.millis() / 1e3);
    storage.pack(new PackOptions(time, collectGarbage, false, anyway), PackProgress.NONE);
  }

  private static void checkAndRecover(byte[] file) {
    FuzzDisk disk = new FuzzDisk();
    disk.put(FILE, file);
    quietly(() -> FileCheck.run(FILE, disk, problem -> {}, FileProgress.NONE));
    quietly(() -> ReferenceCheck.run(FILE, disk, problem -> {}, FileProgress.NONE));
    Path recovered = Path.of("recovered.fs");
    try {
      FileRecovery.run(FILE, recovered, disk, false, true, lost -> {}, FileProgress.NONE);
    } catch (StorageException e) {
      return;
    }
    FileCheck.Result result = FileCheck.run(recovered, disk, problem -> {}, FileProgress.NONE);
    assertThat(result.unfinishedBytes()).isZero();
  }

  private static void quietly(Runnable call) {
    try {
      call.run();
    } catch (StorageException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
  }
}
