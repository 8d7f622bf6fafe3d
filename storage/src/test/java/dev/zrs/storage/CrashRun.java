package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The workload, run once while nothing fails: what was acknowledged when.
 *
 * @param disk where it ran
 * @param calls how many calls to the disk there were that may fail
 * @param marks one before the first step, and one after each
 */
record CrashRun(PowerCutDisk disk, int calls, List<Mark> marks) {
  private static final Set<String> PACKS = Set.of("pack", "second pack", "third pack");

  /** What was acknowledged after so many operations. */
  record Mark(String step, int operations, Snapshot snapshot) {}

  /** Whether there is time for many seeds. */
  static boolean isLong() {
    return System.getenv("ZRS_LONG") != null;
  }

  static CrashRun run(Path directory) throws IOException {
    PowerCutDisk disk = new PowerCutDisk(directory);
    List<Mark> marks = new ArrayList<>();
    marks.add(new Mark("nothing", 0, Snapshot.EMPTY));
    try (CrashWorkload workload = new CrashWorkload(disk, directory)) {
      for (CrashWorkload.Step step : CrashWorkload.STEPS) {
        int records = workload.snapshot().records();
        workload.runNext();
        marks.add(new Mark(step.name(), disk.operations(), workload.snapshot()));
        assertThat(workload.snapshot().records() < records)
            .as(step.name())
            .isEqualTo(PACKS.contains(step.name()));
      }
    }
    return new CrashRun(disk, disk.calls(), marks);
  }

  /** Where the workload was after so many operations. */
  String describe(int operations) {
    String last = operations == 0 ? "nothing" : disk.operation(operations - 1);
    return "in %s after operation %d, %s"
        .formatted(marks.get(stepAt(operations)).step(), operations, last);
  }

  private int stepAt(int operations) {
    int step = 1;
    while (step < marks.size() - 1 && marks.get(step).operations() < operations) {
      step++;
    }
    return step;
  }

  /** What may be found after so many operations: what was acknowledged, or the step's work too. */
  List<Snapshot> allowedAt(int operations) {
    int step = stepAt(operations);
    Snapshot after = marks.get(step).snapshot();
    Snapshot before = marks.get(step - 1).snapshot();
    return operations >= marks.get(step).operations() || before.equals(after)
        ? List.of(after)
        : List.of(before, after);
  }

  /** What a power cut leaves; with seed 0 nothing that was not synced, with 1 everything. */
  PowerCutDisk cut(int operations, int seed) {
    return disk.cut(operations, seed < 2 ? seed : operations * 1_000L + seed);
  }
}
