package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every single call to the disk fails once, also those that only read. */
@Timeout(3_600)
@ExtendWith(QuietStorage.class)
final class EveryIoFailsTest {
  private static final Logger LOG = LoggerFactory.getLogger(EveryIoFailsTest.class);

  /** How many power cuts follow each failure. */
  private static final int CUTS = CrashRun.isLong() ? 20 : 1;

  /** Which operations are looked at for the failures of a start: each so-and-so-many-th. */
  private static final int STARTS = CrashRun.isLong() ? 1 : 12;

  /** What may fail without the caller being told, as nothing of what it asked for is missing. */
  private static final Set<String> NEEDLESS =
      Set.of(
          "discard temporary blob",
          // An index that can't be read is made anew, and a pack is done also without one.
          "open index",
          "read",
          "size",
          "create index",
          "write index",
          "sync index",
          "commit index",
          "sync index's directory",
          "read pack time");

  /** What must not happen any more when the storage has stopped writing. */
  private static final Set<String> WRITING =
      Set.of("append transaction", "write transaction status", "sync data file");

  @TempDir private static Path directory = Path.of("unset");

  /** How a run ended in which one call failed. */
  private static final class Outcome {
    private final List<Snapshot> allowed = new ArrayList<>();
    private boolean told;
    private @Nullable StorageException stopped;
  }

  @Test
  void the_storage_goes_on_or_says_why_not_and_keeps_what_it_acknowledged() throws Exception {
    CrashRun reference = CrashRun.run(directory);
    AtomicInteger failures = new AtomicInteger();
    AtomicInteger stops = new AtomicInteger();
    AtomicInteger cuts = new AtomicInteger();
    Set<String> untold = new ConcurrentSkipListSet<>();
    Workers.run(
        directory,
        reference.calls(),
        (own, numbers) -> {
          for (int number : numbers) {
            for (boolean partly : new boolean[] {false, true}) {
              PowerCutDisk disk = new PowerCutDisk(own);
              disk.failAt(number + 1, partly);
              Outcome outcome = run(disk, own, reference);
              cuts.addAndGet(check(outcome, disk, own, number));
              failures.incrementAndGet();
              if (outcome.stopped != null) {
                stops.incrementAndGet();
              } else if (!outcome.told) {
                untold.add(Objects.requireNonNull(disk.failed()));
              }
              if (!disk.failedInWrite()) {
                break;
              }
            }
          }
        });
    LOG.info("{} failures, {} of which ended writing; {} power cuts after", failures, stops, cuts);
    assertThat(failures).hasValueGreaterThan(1_000);
    assertThat(stops.get()).isBetween(100, failures.get() / 4);
    assertThat(untold).isSubsetOf(NEEDLESS);
  }

  private static int check(Outcome outcome, PowerCutDisk disk, Path own, int number)
      throws IOException {
    CrashCheck check = new CrashCheck(own);
    String where = "call %d, %s, failed".formatted(number + 1, disk.failed());
    int end = disk.operations();
    if (outcome.stopped == null && CrashRun.isLong()) {
      check.check(disk.killed(end), outcome.allowed, number, where);
    } else {
      // After a failed sync no process can know what is on the disk. But this one can be read.
      check.open(disk.killed(end), outcome.allowed);
    }
    for (int seed = 0; seed < CUTS; seed++) {
      check.check(disk.cut(end, number * 1_000L + seed), outcome.allowed, seed, where);
    }
    return CUTS;
  }

  /** Runs the workload until it stops; whoever is told of a failure tries once more. */
  private static Outcome run(PowerCutDisk disk, Path own, CrashRun reference) throws IOException {
    Outcome outcome = new Outcome();
    try (CrashWorkload workload = new CrashWorkload(disk, own)) {
      for (List<Snapshot> states : reference.states()) {
        Snapshot after = states.getLast();
        try {
          workload.runNext(after);
        } catch (StorageException e) {
          assertThat(outcome.told).as("one failure, but not the first: %s", e).isFalse();
          assertThat(e).hasMessageContaining("no luck with");
          outcome.told = true;
          assertThat(workload.snapshot()).isIn(states);
          if (mayRepeat(workload, after)) {
            workload.runAgain();
          }
        } catch (RuntimeException | AssertionError e) {
          throw new AssertionError(disk.failed() + ": " + e.getMessage(), e);
        }
        outcome.allowed.clear();
        outcome.allowed.add(workload.snapshot());
        FileStorage storage = workload.storage();
        if (storage != null && storage.failure().isPresent()) {
          outcome.stopped = storage.failure().get();
          int reached = states.lastIndexOf(workload.snapshot());
          outcome.allowed.add(states.get(Math.min(reached + 1, states.size() - 1)));
          assertStopped(storage, disk);
          break;
        }
        assertThat(workload.snapshot()).isEqualTo(after);
      }
    }
    assertThat(disk.failed()).isNotNull();
    return outcome;
  }

  private static boolean mayRepeat(CrashWorkload workload, Snapshot after) {
    FileStorage storage = workload.storage();
    return storage == null || (storage.failure().isEmpty() && !workload.snapshot().equals(after));
  }

  /** Reading goes on, as there is a snapshot; writing is refused, and nothing more is written. */
  private static void assertStopped(FileStorage storage, PowerCutDisk disk) {
    int operations = disk.operations();
    assertThatThrownBy(storage::newOid)
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("stopped writing")
        .hasMessageContaining("no luck with");
    assertThatThrownBy(() -> storage.pack(Tid.MAX)).hasMessageContaining("stopped writing");
    storage.close();
    for (int i = operations; i < disk.operations(); i++) {
      assertThat(disk.operation(i)).isNotIn(WRITING);
    }
  }

  @Test
  void a_start_after_a_power_cut_that_fails_can_be_repeated() throws Exception {
    AtomicInteger failures = new AtomicInteger();
    AtomicInteger told = new AtomicInteger();
    int points = CrashRun.run(directory).disk().operations() / STARTS;
    Workers.run(
        directory,
        points,
        (own, numbers) -> {
          CrashRun reference = CrashRun.run(own);
          CrashCheck check = new CrashCheck(own);
          for (int number : numbers) {
            List<Snapshot> allowed = reference.allowedAt(number * STARTS);
            PowerCutDisk left = reference.cut(number * STARTS, 7);
            PowerCutDisk well = left.killed(0);
            check.start(well).close();
            for (int call = 1; call <= well.calls(); call++) {
              PowerCutDisk disk = left.killed(0);
              disk.failAt(call, call % 2 == 0);
              if (startFails(check, disk, allowed)) {
                told.incrementAndGet();
              }
              failures.incrementAndGet();
              check.open(disk.killed(disk.operations()), allowed);
              check.open(disk.cut(disk.operations(), call), allowed);
            }
          }
        });
    LOG.info("{} failures at a start, {} of which were told", failures, told);
    assertThat(told).hasValueGreaterThan(10_000 / STARTS);
  }

  private static boolean startFails(CrashCheck check, PowerCutDisk disk, List<Snapshot> allowed)
      throws IOException {
    try (FileStorage storage = check.start(disk)) {
      disk.setCounting(false);
      assertThat(Snapshot.of(storage, disk)).isIn(allowed);
      disk.setCounting(true);
      return false;
    } catch (StorageException e) {
      assertThat(e).hasMessageContaining("no luck with");
      return true;
    }
  }
}
