package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.pickle.ReferenceScanner;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

// In a thread of its own, as what waits in a marker ends for no interrupt.
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class PackMarkerTest {
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

  /** What a thread does before it reads. */
  @FunctionalInterface
  private interface Reading {
    void of(long position, int length) throws IOException;
  }

  /** Whether a read is that of the block with the record at a position. */
  private static boolean isBlockOf(long record, long position, int length) {
    return length == RecordBuffer.BLOCK && position <= record && record < position + length;
  }

  /** The data file as a marker sees it. */
  private DataFile watched(Reading reading) throws IOException {
    DiskFile real = new RealDisk().open(file, Disk.Mode.READ, "open data file");
    return new DataFile(
        file,
        new OnlyRead() {
          @Override
          public int read(ByteBuffer target, long position) throws IOException {
            reading.of(position, target.remaining());
            return real.read(target, position);
          }

          @Override
          public long size() throws IOException {
            return real.size();
          }

          @Override
          public void close() throws IOException {
            real.close();
          }
        });
  }

  private PackScan scan(Tid packTime) throws IOException {
    try (DataFile plain = watched((position, length) -> {})) {
      PackScan scan = new PackScan(plain, plain.size(), packTime, () -> false);
      scan.run(PackProgress.NONE);
      return scan;
    }
  }

  private static PackMarker marker(DataFile watched, PackKeep keep, PackRate rate) {
    return new PackMarker(watched, keep, true, 4, rate, () -> false);
  }

  private static PackRate unlimited() {
    return new PackRate(0, () -> false);
  }

  /** A rate at which nothing that waits for it comes to its end. */
  private static PackRate hopeless() {
    return new PackRate(1, () -> false);
  }

  private static void pass(PackRate rate) {
    rate.pass(1_000_000);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Of any size, with any number of references. */
  private static byte[] record(int filler, List<Oid> references) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(PackTest.latin1("\200\003cm\nK\n.\200\003("));
    for (Oid reference : references) {
      out.writeBytes(PackTest.latin1("C\10"));
      out.writeBytes(reference.toBytes());
      out.write('Q');
    }
    out.write('B');
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      out.write(filler >> shift);
    }
    out.writeBytes(new byte[filler]);
    out.writeBytes(PackTest.latin1("t."));
    return out.toByteArray();
  }

  private static List<Oid> oids(int from, int to) {
    List<Oid> oids = new ArrayList<>();
    for (int i = from; i < to; i++) {
      oids.add(new Oid(i));
    }
    return oids;
  }

  @Test
  void one_large_record_at_a_time_is_read() throws IOException {
    // So many that each thread gets some of them.
    int objects = 400;
    int large = 8;
    Tid last;
    try (FileStorage storage = open()) {
      Map<Oid, byte[]> records = new HashMap<>();
      records.put(Oid.ROOT, record(1, oids(1, objects)));
      for (int i = 1; i < objects; i++) {
        int filler = i % (objects / large) == 1 ? 2 << 20 : 1;
        records.put(new Oid(i), record(filler, List.of()));
      }
      last = PackTest.commit(storage, records);
    }
    PackScan scan = scan(last);
    PackKeep keep = new PackKeep(scan.current());
    AtomicInteger reading = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger all = new AtomicInteger();
    CountDownLatch two = new CountDownLatch(2);
    Reading meetOthers =
        (position, length) -> {
          if (length > ReferenceScanner.LARGE) {
            all.incrementAndGet();
            most.accumulateAndGet(reading.incrementAndGet(), Math::max);
            two.countDown();
            awaitShortly(two);
            reading.decrementAndGet();
          }
        };
    try (DataFile watched = watched(meetOthers);
        PackMarker marker = marker(watched, keep, unlimited())) {
      marker.markFromRoot(PackProgress.NONE);
    }
    assertThat(all).hasValue(large);
    assertThat(most).hasValue(1);
    assertThat(keep.unmarked()).isZero();
  }

  /** Gives others the time to come, who must not. */
  private static void awaitShortly(CountDownLatch latch) {
    try {
      if (latch.await(100, TimeUnit.MILLISECONDS)) {
        assertThat(latch.getCount()).isZero();
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * The owner has a large record with more references than there is room for, while the threads
   * that would make room wait for their turn with large records of their own.
   */
  @Test
  void the_owners_large_record_is_scanned_before_others_are_read_and_waits_for_nobody()
      throws IOException {
    int objects = 100_000;
    Tid packTime;
    try (FileStorage storage = open()) {
      Map<Oid, byte[]> records = new HashMap<>();
      for (Oid oid : oids(0, objects)) {
        records.put(oid, record(1, List.of()));
      }
      for (int batch = 0; batch < 8; batch++) {
        records.put(new Oid(batch * MarkPool.BATCH + 10), record(2 << 20, List.of()));
      }
      packTime = PackTest.commit(storage, records);
      PackTest.commit(storage, Map.of(Oid.ROOT, record(1 << 20, oids(1, objects))));
    }
    PackScan scan = scan(packTime);
    PackKeep keep = new PackKeep(scan.current());
    AtomicInteger early = new AtomicInteger();
    AtomicInteger largeRecords = new AtomicInteger();
    Thread owner = Thread.currentThread();
    Reading checkOwners =
        (position, length) -> {
          if (length > ReferenceScanner.LARGE && Thread.currentThread() != owner) {
            largeRecords.incrementAndGet();
            if (!keep.isMarked(objects - 1)) {
              early.incrementAndGet();
            }
          }
        };
    try (DataFile watched = watched(checkOwners);
        PackMarker marker = marker(watched, keep, unlimited())) {
      marker.markFromRoot(PackProgress.NONE);
      long from = scan.packPosition();
      marker.markFromYounger(from, watched.size(), from, PackProgress.NONE);
    }
    assertThat(keep.unmarked()).isZero();
    assertThat(largeRecords).hasValue(8);
    assertThat(early).hasValue(0);
  }

  @Test
  void large_and_small_records_are_marked_if_and_only_if_they_can_be_reached() throws IOException {
    int objects = 300;
    Random random = new Random(5);
    Map<Oid, List<Oid>> graph = new LinkedHashMap<>();
    Map<Oid, byte[]> records = new HashMap<>();
    for (Oid oid : oids(0, objects)) {
      List<Oid> references = new ArrayList<>();
      for (int n = random.nextInt(4); n > 0 || (oid.value() == 0 && n > -200); n--) {
        references.add(new Oid(random.nextInt(objects)));
      }
      graph.put(oid, references);
      int filler = random.nextInt(8) == 0 ? (1 << 20) + random.nextInt(1 << 20) : 20;
      records.put(oid, record(filler, references));
    }
    Set<Oid> reachable = PackTest.reachable(graph);
    assertThat(reachable.size()).isBetween(objects / 4, objects - 10);
    try (FileStorage storage = open()) {
      PackTest.commit(storage, records);
      // Half of them stand behind a back-pointer.
      Map<Oid, byte[]> changed = new HashMap<>();
      for (Oid oid : oids(0, objects / 2)) {
        changed.put(oid, record(30, List.of()));
      }
      PackTest.undo(storage, PackTest.commit(storage, changed));
    }
    PackKeep keep = new PackKeep(scan(Tid.MAX).current());
    try (DataFile watched = watched((position, length) -> {});
        PackMarker marker = marker(watched, keep, unlimited())) {
      marker.markFromRoot(PackProgress.NONE);
      assertThat(marker.unreadable().count()).isZero();
      long bytes =
          reachable.stream()
              .mapToLong(oid -> DataHeader.LENGTH + Objects.requireNonNull(records.get(oid)).length)
              .sum();
      assertThat(marker.markedBytes()).isEqualTo(bytes);
    }
    for (Oid oid : graph.keySet()) {
      assertThat(keep.isMarked(oid.value())).as("%s", oid).isEqualTo(reachable.contains(oid));
    }
  }

  @Test
  void younger_records_are_read_once() throws IOException {
    Tid packTime;
    try (FileStorage storage = open()) {
      packTime = PackTest.commit(storage, Map.of(Oid.ROOT, record(1, List.of())));
      for (int i = 0; i < 20; i++) {
        Map<Oid, byte[]> records = new HashMap<>();
        for (Oid oid : oids(1000 * i, 1000 * (i + 1))) {
          records.put(oid, record(300, List.of()));
        }
        records.put(new Oid(900_000), record(300 << 10, List.of()));
        PackTest.commit(storage, records);
      }
    }
    PackScan scan = scan(packTime);
    AtomicLong bytes = new AtomicLong();
    try (DataFile watched = watched((position, length) -> bytes.addAndGet(length));
        PackMarker marker = marker(watched, new PackKeep(scan.current()), unlimited())) {
      long from = scan.packPosition();
      marker.markFromYounger(from, watched.size(), from, PackProgress.NONE);
      assertThat(bytes.get()).isBetween(watched.size() / 2, watched.size() * 3 / 2);
    }
  }

  @Test
  void when_the_owner_fails_no_thread_waits_for_the_rate() throws IOException {
    Tid last;
    try (FileStorage storage = open()) {
      last =
          PackTest.commit(
              storage, Map.of(Oid.ROOT, record(1, List.of(A)), A, record(1, List.of())));
    }
    PackKeep keep = new PackKeep(scan(last).current());
    long position = keep.currentPosition(A.value());
    PackRate rate = hopeless();
    CountDownLatch waits = new CountDownLatch(1);
    Reading waiting =
        (at, length) -> {
          if (isBlockOf(position, at, length)) {
            waits.countDown();
            pass(rate);
          }
        };
    IllegalStateException failure = new IllegalStateException("no luck");
    try (DataFile watched = watched(waiting);
        PackMarker marker = marker(watched, keep, rate)) {
      assertThatThrownBy(
              () ->
                  marker.markFromRoot(
                      (phase, done, total) -> {
                        await(waits);
                        throw failure;
                      }))
          .isSameAs(failure);
    }
  }

  @Test
  void when_a_thread_fails_the_owner_waits_for_no_rate_either() throws IOException {
    Tid packTime;
    Tid last;
    List<Oid> children = oids(1, 1 + MarkPool.BATCH);
    try (FileStorage storage = open()) {
      // The last child is not in the root's block.
      Map<Oid, byte[]> records = new LinkedHashMap<>();
      records.put(Oid.ROOT, record(1, List.of()));
      for (Oid oid : children) {
        records.put(oid, record(1, List.of()));
      }
      packTime = PackTest.commit(storage, records);
      PackTest.commit(storage, Map.of(Oid.ROOT, record(1, children)));
      last = PackTest.commit(storage, Map.of(Oid.ROOT, record(2 << 20, List.of())));
    }
    PackScan scan = scan(packTime);
    PackKeep keep = new PackKeep(scan.current());
    long bad = keep.currentPosition(children.getLast().value());
    long owners = scan(last).current().get(Oid.ROOT.value());
    PackRate rate = hopeless();
    CountDownLatch waits = new CountDownLatch(1);
    Reading reading =
        (position, length) -> {
          if (isBlockOf(owners, position, length)) {
            waits.countDown();
            pass(rate);
          } else if (isBlockOf(bad, position, length)) {
            await(waits);
            throw new IOException("no luck");
          }
        };
    try (DataFile watched = watched(reading);
        PackMarker marker = marker(watched, keep, rate)) {
      marker.markFromRoot(PackProgress.NONE);
      long from = scan.packPosition();
      assertThatThrownBy(
              () -> marker.markFromYounger(from, watched.size(), from, PackProgress.NONE))
          .isInstanceOf(StorageIoException.class)
          .hasMessageContaining("no luck");
    }
    assertThat(waits.getCount()).isZero();
  }
}
