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
  private static final Set<String> PACKS = Set.of("pack", "second pack", "third pack", "busy pack");

  /**
   * What was acknowledged after so many operations.
   *
   * @param ended whether the step was at its end; else it has only done a part of its work
   */
  record Mark(String step, boolean ended, int operations, Snapshot snapshot) {}

  /** Whether there is time for many seeds. */
  static boolean isLong() {
    return System.getenv("ZRS_LONG") != null;
  }

  static CrashRun run(Path directory) throws IOException {
    PowerCutDisk disk = new PowerCutDisk(directory);
    List<Mark> marks = new ArrayList<>();
    marks.add(new Mark("nothing", true, 0, Snapshot.EMPTY));
    try (CrashWorkload workload = new CrashWorkload(disk, directory)) {
      for (CrashWorkload.Step step : CrashWorkload.STEPS) {
        workload.setWithinStep(
            () -> marks.add(new Mark(step.name(), false, disk.operations(), workload.snapshot())));
        int records = workload.snapshot().records();
        workload.runNext();
        marks.add(new Mark(step.name(), true, disk.operations(), workload.snapshot()));
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
        .formatted(marks.get(markAt(operations)).step(), operations, last);
  }

  private int markAt(int operations) {
    int mark = 1;
    while (mark < marks.size() - 1 && marks.get(mark).operations() < operations) {
      mark++;
    }
    return mark;
  }

  /** What there was before each step, after the parts of its work, and at its end. */
  List<List<Snapshot>> states() {
    List<List<Snapshot>> states = new ArrayList<>();
    List<Snapshot> step = new ArrayList<>(List.of(marks.getFirst().snapshot()));
    for (Mark mark : marks.subList(1, marks.size())) {
      step.add(mark.snapshot());
      if (mark.ended()) {
        states.add(step);
        step = new ArrayList<>(List.of(mark.snapshot()));
      }
    }
    return states;
  }

  /**
   * What may be found after so many operations: what was acknowledged, or that with what comes
   * next.
   */
  List<Snapshot> allowedAt(int operations) {
    int mark = markAt(operations);
    Snapshot after = marks.get(mark).snapshot();
    Snapshot before = marks.get(mark - 1).snapshot();
    return operations >= marks.get(mark).operations() || before.equals(after)
        ? List.of(after)
        : List.of(before, after);
  }

  /** What a power cut leaves; with seed 0 nothing that was not synced, with 1 everything. */
  PowerCutDisk cut(int operations, int seed) {
    return disk.cut(operations, seed < 2 ? seed : operations * 1_000L + seed);
  }
}
