package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
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
          "sync index's directory");

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
  void the_storage_goes_on_or_says_why_not_and_keeps_what_it_acknowledged() throws IOException {
    CrashRun reference = CrashRun.run(directory);
    CrashCheck check = new CrashCheck(directory);
    int failures = 0;
    int stops = 0;
    int cuts = 0;
    Set<String> untold = new TreeSet<>();
    for (int call = 1; call <= reference.calls(); call++) {
      for (boolean partly : new boolean[] {false, true}) {
        PowerCutDisk disk = new PowerCutDisk(directory);
        disk.failAt(call, partly);
        Outcome outcome = run(disk, reference, call);
        failures++;
        String where = "call %d, %s, failed".formatted(call, disk.failed());
        int end = disk.operations();
        if (outcome.stopped == null) {
          check.check(disk.killed(end), outcome.allowed, call, where);
        } else {
          stops++;
          // After a failed sync no process can know what is on the disk. This one can be read.
          check.open(disk.killed(end), outcome.allowed);
        }
        if (!outcome.told && outcome.stopped == null) {
          untold.add(Objects.requireNonNull(disk.failed()));
        }
        for (int seed = 0; seed < CUTS; seed++) {
          check.check(disk.cut(end, call * 1_000L + seed), outcome.allowed, seed, where);
          cuts++;
        }
        if (!disk.failedInWrite()) {
          break;
        }
      }
    }
    LOG.info("{} failures, {} of which ended writing; {} power cuts after", failures, stops, cuts);
    assertThat(failures).isGreaterThan(800);
    assertThat(stops).isBetween(80, failures / 4);
    assertThat(untold).isSubsetOf(NEEDLESS);
  }

  /** Runs the workload until it stops; whoever is told of a failure tries once more. */
  private static Outcome run(PowerCutDisk disk, CrashRun reference, int call) throws IOException {
    Outcome outcome = new Outcome();
    try (CrashWorkload workload = new CrashWorkload(disk, directory)) {
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
          throw new AssertionError("call %d, %s".formatted(call, disk.failed()), e);
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
  void a_start_after_a_power_cut_that_fails_can_be_repeated() throws IOException {
    CrashRun reference = CrashRun.run(directory);
    CrashCheck check = new CrashCheck(directory);
    int failures = 0;
    int told = 0;
    for (int point = 0; point <= reference.disk().operations(); point += STARTS) {
      List<Snapshot> allowed = reference.allowedAt(point);
      PowerCutDisk left = reference.cut(point, 7);
      PowerCutDisk well = left.killed(0);
      check.start(well).close();
      for (int call = 1; call <= well.calls(); call++) {
        PowerCutDisk disk = left.killed(0);
        disk.failAt(call, call % 2 == 0);
        told += startFails(check, disk, allowed) ? 1 : 0;
        failures++;
        check.open(disk.killed(disk.operations()), allowed);
        check.open(disk.cut(disk.operations(), call), allowed);
      }
    }
    LOG.info("{} failures at a start, {} of which were told", failures, told);
    assertThat(told).isGreaterThan(STARTS == 1 ? 10_000 : 800);
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
