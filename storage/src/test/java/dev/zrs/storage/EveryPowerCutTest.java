package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The power is cut, or the process killed, after every operation of a workload. */
@Timeout(3_600)
@ExtendWith(QuietStorage.class)
final class EveryPowerCutTest {
  private static final Logger LOG = LoggerFactory.getLogger(EveryPowerCutTest.class);

  /** Possibilities of what survives, for each operation. The first two are nothing and all. */
  private static final int SEEDS = CrashRun.isLong() ? 24 : 5;

  /** Of how many operations of one name, with how many seeds, Python is shown what is left. */
  private static final int SHOWN = CrashRun.isLong() ? 12 : 3;

  private static final Pattern CORRUPTED =
      Pattern.compile("CorruptedTransactionError: .* at (\\d+)\n");

  @TempDir private static Path directory = Path.of("unset");

  @Test
  void what_was_acknowledged_is_there_and_nothing_half() throws Exception {
    AtomicInteger cuts = new AtomicInteger();
    AtomicInteger unacknowledged = new AtomicInteger();
    int points = CrashRun.run(directory).disk().operations() + 1;
    Workers.run(
        directory,
        points,
        (own, numbers) -> {
          CrashRun run = CrashRun.run(own);
          CrashCheck check = new CrashCheck(own);
          for (int point : numbers) {
            List<Snapshot> allowed = run.allowedAt(point);
            check.check(run.disk().killed(point), allowed, point, "killed " + run.describe(point));
            for (int seed = 0; seed < SEEDS; seed++) {
              String where = "seed " + seed + ", cut " + run.describe(point);
              Snapshot found = check.check(run.cut(point, seed), allowed, seed, where);
              cuts.incrementAndGet();
              unacknowledged.addAndGet(found.equals(allowed.getFirst()) ? 0 : 1);
            }
          }
        });
    LOG.info(
        "{} operations, killed after each; {} power cuts, {} of which kept what was not acknowledged",
        points,
        cuts,
        unacknowledged);
    assertThat(points).isGreaterThan(500);
    assertThat(cuts).hasValue(points * SEEDS);
    assertThat(unacknowledged.get()).isBetween(points / 10, cuts.get() / 3);
  }

  @Test
  void Python_opens_what_is_left_and_what_we_make_of_it() throws IOException {
    CrashRun run = CrashRun.run(directory);
    CrashCheck check = new CrashCheck(directory);
    Map<Path, List<String>> expected = new LinkedHashMap<>();
    Map<Path, Long> whole = new HashMap<>();
    Map<String, Integer> shown = new HashMap<>();
    for (int point = 1; point <= run.disk().operations(); point++) {
      if (shown.merge(run.disk().operation(point - 1), 1, Integer::sum) > SHOWN) {
        continue;
      }
      for (int seed = 2; seed < 4; seed++) {
        PowerCutDisk left = run.cut(point, seed);
        Path before = directory.resolve("left-%d-%d".formatted(point, seed));
        left.writeTo(Files.createDirectory(before));
        expected.put(before, run.allowedAt(point).stream().map(Snapshot::text).toList());
        Path after = directory.resolve("opened-%d-%d".formatted(point, seed));
        Snapshot found = check.open(left, run.allowedAt(point));
        left.writeTo(Files.createDirectory(after));
        expected.put(after, List.of(found.text()));
        whole.put(before, Files.size(after.resolve("Data.fs")));
      }
    }
    Map<Path, String> seen = python(new ArrayList<>(expected.keySet()));
    int refused = 0;
    for (Map.Entry<Path, List<String>> each : expected.entrySet()) {
      String text = Objects.requireNonNull(seen.get(each.getKey()));
      Long end = whole.get(each.getKey());
      if (end != null && isRefused(text, end)) {
        refused++;
      } else {
        assertThat(each.getValue()).as(each.getKey().toString()).contains(text);
      }
    }
    LOG.info("Python opened {} of {} before ours", whole.size() - refused, whole.size());
    assertThat(whole).hasSizeGreaterThan(100);
    assertThat(refused).isLessThan(whole.size() / 10);
  }

  /**
   * Whether Python's FileStorage gives up, as it does on what its own crashes leave: it takes the
   * file for damaged if the disk has lost the header, or only the status byte, of the unfinished
   * transaction at the end, and refuses a file that was only being created.
   *
   * @param whole where the last whole transaction ends
   */
  private static boolean isRefused(String text, long whole) {
    Matcher refused = CORRUPTED.matcher(text);
    return refused.matches()
        ? Long.parseLong(refused.group(1)) >= whole
        : text.startsWith("FileStorageFormatError: ") && whole == DataFile.START;
  }

  private static Map<Path, String> python(List<Path> directories) throws IOException {
    Path list = directory.resolve("list");
    Files.write(list, directories.stream().map(Path::toString).toList());
    String output =
        new String(
            PythonPeer.current().run(EveryPowerCutTest.class, "crash_peer.py", list.toString()),
            StandardCharsets.UTF_8);
    Map<Path, String> seen = new HashMap<>();
    for (String part : output.split("(?m)^= ", -1)) {
      List<String> lines = part.lines().toList();
      if (!lines.isEmpty()) {
        String text = lines.stream().skip(1).collect(Collectors.joining("\n"));
        seen.put(Path.of(lines.getFirst()), text.isEmpty() ? "" : text + "\n");
      }
    }
    return seen;
  }
}
