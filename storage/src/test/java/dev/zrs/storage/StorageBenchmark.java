package dev.zrs.storage;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What benchmarks/storage_side_by_side.py measures of our storage: open, iterate or pack a file.
 */
final class StorageBenchmark {
  private static final com.sun.management.OperatingSystemMXBean PROCESS =
      (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private StorageBenchmark() {}

  public static void main(String[] arguments) throws InterruptedException {
    StorageOptions options = StorageOptions.of(Path.of(arguments[1]));
    long begun = System.nanoTime();
    long cpu = PROCESS.getProcessCpuTime();
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), InstantSource.system())) {
      String more = "";
      switch (arguments[0]) {
        case "open" -> more = " index " + indexBytes(storage);
        case "iterate" -> {
          begun = System.nanoTime();
          cpu = PROCESS.getProcessCpuTime();
          iterate(storage);
        }
        case "pack" -> {
          begun = System.nanoTime();
          cpu = PROCESS.getProcessCpuTime();
          PackReport report = storage.pack(storage.lastTransaction());
          more = " commits stopped for %.1f ms".formatted(report.longestStop().toNanos() / 1e6);
        }
        case "pack-beside-commits" -> more = packBesideCommits(storage);
        default -> throw new IllegalArgumentException(arguments[0]);
      }
      System.out.printf(
          "cpu %.3f wall %.3f%s%n",
          (PROCESS.getProcessCpuTime() - cpu) / 1e9, (System.nanoTime() - begun) / 1e9, more);
    }
  }

  private static String indexBytes(FileStorage storage) {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    long used = runtime.totalMemory() - runtime.freeMemory();
    return "%.2f bytes of heap an object".formatted((double) used / storage.objectCount());
  }

  private static void iterate(FileStorage storage) {
    try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        for (DataRecord record = t.nextRecord(); record != null; record = t.nextRecord()) {
          if (record.tid().equals(Tid.NONE)) {
            throw new IllegalStateException("no tid");
          }
        }
      }
    }
  }

  /** How long commits take while nothing else happens, and while a pack runs. */
  private static String packBesideCommits(FileStorage storage) throws InterruptedException {
    AtomicBoolean packing = new AtomicBoolean(true);
    long[] alone = commits(storage, () -> true, 300);
    AtomicReference<Duration> stop = new AtomicReference<>(Duration.ZERO);
    Thread packer =
        Thread.ofPlatform()
            .start(
                () -> {
                  stop.set(storage.pack(storage.lastTransaction()).longestStop());
                  packing.set(false);
                });
    long[] beside = commits(storage, packing::get, 1_000_000);
    packer.join();
    return (" commits alone: p50 %.2f max %.2f ms; beside the pack: %d, p50 %.2f p99 %.2f max %.2f"
            + " ms; stopped for %.2f ms")
        .formatted(
            alone[alone.length / 2] / 1e6,
            alone[alone.length - 1] / 1e6,
            beside.length,
            beside[beside.length / 2] / 1e6,
            beside[beside.length * 99 / 100] / 1e6,
            beside[beside.length - 1] / 1e6,
            stop.get().toNanos() / 1e6);
  }

  private static long[] commits(
      FileStorage storage, java.util.function.BooleanSupplier go, int most)
      throws InterruptedException {
    long[] nanos = new long[most];
    int count = 0;
    Oid oid = storage.newOid();
    Tid serial = Tid.NONE;
    while (count < most && go.getAsBoolean()) {
      long begun = System.nanoTime();
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.store(oid, serial, PackTest.record(300));
        VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("benchmark"));
        voted.finish();
        serial = voted.tid();
      }
      nanos[count++] = System.nanoTime() - begun;
      Thread.sleep(2);
    }
    long[] sorted = Arrays.copyOf(nanos, count);
    Arrays.sort(sorted);
    return sorted;
  }
}
