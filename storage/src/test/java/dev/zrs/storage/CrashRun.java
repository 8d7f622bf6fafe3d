package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The workload, run once while nothing fails: what was acknowledged when.
 *
 * @param disk where it ran
 * @param calls how many calls to the disk there were that may fail
 * @param marks after each step
 */
record CrashRun(PowerCutDisk disk, int calls, List<Mark> marks) {
  /** What was acknowledged after so many operations. */
  record Mark(String step, int operations, Snapshot snapshot) {}

  static CrashRun run(Path directory) throws IOException {
    PowerCutDisk disk = new PowerCutDisk(directory);
    List<Mark> marks = new ArrayList<>();
    marks.add(new Mark("", 0, Snapshot.EMPTY));
    try (CrashWorkload workload = new CrashWorkload(disk, directory)) {
      for (CrashWorkload.Step step : CrashWorkload.STEPS) {
        workload.runNext();
        marks.add(new Mark(step.name(), disk.operations(), workload.snapshot()));
      }
    }
    return new CrashRun(disk, disk.calls(), marks);
  }

  /** The step that a number of operations leads into. */
  int stepAt(int operations) {
    int step = 1;
    while (step < marks.size() - 1 && marks.get(step).operations() < operations) {
      step++;
    }
    return step;
  }

  /** What may be found after so many operations. */
  List<Snapshot> allowedAt(int operations) {
    int step = stepAt(operations);
    Snapshot after = marks.get(step).snapshot();
    return operations >= marks.get(step).operations()
        ? List.of(after)
        : List.of(marks.get(step - 1).snapshot(), after);
  }
}
