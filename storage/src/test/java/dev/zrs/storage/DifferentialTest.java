package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same random operations, with the same tids, on Python's FileStorage and on ours: after each,
 * every readable state is equal, and but for pack the files are equal byte for byte.
 *
 * <p>Where ours differs on purpose:
 *
 * <ul>
 *   <li>a restored record may name an unknown transaction as the one that has its data;
 *   <li>no blob stays of a transaction that was aborted before its vote;
 *   <li>after a pack the header of the last transaction stays even if none of its records does;
 *   <li>after a pack what only younger transactions refer to stays;
 *   <li>a pack on which Python's fails (a reference to an object that does not exist, or, without
 *       garbage collection, a younger record that points back to a revision that is not current) is
 *       done.
 * </ul>
 *
 * After each pack Python goes on with our file, so that it is shown to be one for Python.
 */
final class DifferentialTest {
  private static final int SEQUENCES = System.getenv("ZRS_LONG") == null ? 100 : 2_000;
  private static final int SHRINK_RUNS = 150;
  private static final Set<String> PYTHON_GIVES_UP =
      Set.of("KeyError", "AssertionError", "PackError");

  @TempDir private static Path directory = Path.of("unset");
  private static @Nullable Process process;
  private static @Nullable Writer toPython;
  private static @Nullable BufferedReader fromPython;
  private static int runs;
  private static int packs;
  private static int beyondPython;

  @BeforeAll
  static void startPython() throws IOException {
    Path script = directory.resolve("differential.py");
    try (var in = DifferentialTest.class.getResourceAsStream("differential.py")) {
      assert in != null;
      Files.copy(in, script);
    }
    Process started =
        new ProcessBuilder(PythonPeer.current().python().toString(), script.toString())
            .redirectError(directory.resolve("errors").toFile())
            .start();
    process = started;
    toPython = new OutputStreamWriter(started.getOutputStream(), StandardCharsets.US_ASCII);
    fromPython =
        new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8));
  }

  @AfterAll
  static void stopPython() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private static String python(String line) {
    try {
      if (toPython == null || fromPython == null) {
        throw new AssertionError("no Python");
      }
      toPython.write(line + "\n");
      toPython.flush();
      String answer = fromPython.readLine();
      if (answer == null || answer.equals("FAILED")) {
        String errors = Files.readString(directory.resolve("errors"));
        throw new AssertionError(
            "Python failed at "
                + line
                + "\n"
                + errors.substring(Math.max(0, errors.length() - 3000)));
      }
      return answer;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void every_state_is_that_of_Python() throws IOException {
    long steps = 0;
    for (long seed = 1; seed <= SEQUENCES; seed++) {
      List<String> operations = DifferentialSequence.of(seed);
      String difference = run(operations);
      if (difference != null) {
        List<String> fewer = shrink(operations);
        throw new AssertionError(
            "seed %d differs:%n%s%nof these operations:%n%s"
                .formatted(seed, run(fewer), String.join("\n", fewer)));
      }
      steps += operations.size();
    }
    System.out.printf(
        "%d sequences, %d operations, %d packs, of which %d go beyond Python's%n",
        SEQUENCES, steps, packs, beyondPython);
    assertThat(packs).isGreaterThan(SEQUENCES);
    assertThat(beyondPython).isLessThan(packs * 2 / 3);
  }

  private static List<String> shrink(List<String> operations) throws IOException {
    List<String> best = operations;
    int left = SHRINK_RUNS;
    for (int i = best.size() - 1; i >= 0 && left > 0; i--, left--) {
      List<String> fewer = new ArrayList<>(best);
      fewer.remove(i);
      if (run(fewer) != null) {
        best = fewer;
      }
    }
    return best;
  }

  /** What differs first; null if nothing does. */
  private static @Nullable String run(List<String> operations) throws IOException {
    runs++;
    Path ours = Files.createDirectories(directory.resolve("ours" + runs));
    Path theirs = Files.createDirectories(directory.resolve("theirs" + runs));
    String difference = null;
    try (DifferentialStorage storage = new DifferentialStorage(ours)) {
      both(storage, theirs, "open");
      List<String> tids = new ArrayList<>();
      for (int i = 0; i < operations.size() && difference == null; i++) {
        String operation = operations.get(i);
        if (operation.startsWith("transaction")) {
          tids.add(operation.split(" ", -1)[1]);
        }
        difference = step(storage, theirs, operation);
        if (difference == null && !tids.isEmpty()) {
          difference = compareStates(storage, tids);
        }
        if (difference != null) {
          difference = "after operation %d, %s:%n%s".formatted(i, operation, difference);
        }
      }
      python("close");
    }
    delete(ours);
    delete(theirs);
    return difference;
  }

  private static @Nullable String step(DifferentialStorage storage, Path theirs, String operation)
      throws IOException {
    if (operation.startsWith("reopen")) {
      return reopen(storage, theirs, operation.endsWith("true"));
    }
    if (operation.equals("readonly")) {
      String difference = reopen(storage, theirs, true);
      storage.execute("close");
      python("close");
      storage.execute("open %s true".formatted(storage.directory()));
      python("open %s true".formatted(theirs));
      String mine = storage.execute("state digest 0000000000000000 0000000000000001");
      String other = python("state digest 0000000000000000 0000000000000001");
      storage.execute("close");
      python("close");
      both(storage, theirs, "open");
      return difference != null || mine.equals(other) ? difference : "read-only states differ";
    }
    if (operation.startsWith("pack")) {
      return pack(storage, theirs, operation);
    }
    String mine = storage.execute(operation);
    String other = python(operation);
    return mine.equals(other) ? null : "result: python %s, zrs %s".formatted(other, mine);
  }

  private static void both(DifferentialStorage storage, Path theirs, String command) {
    storage.execute("%s %s false".formatted(command, storage.directory()));
    python("%s %s false".formatted(command, theirs));
  }

  private static @Nullable String reopen(
      DifferentialStorage storage, Path theirs, boolean withIndex) throws IOException {
    storage.execute("close");
    python("close");
    Path mine = storage.directory().resolve("Data.fs.index");
    Path other = theirs.resolve("Data.fs.index");
    boolean same = Arrays.equals(Files.readAllBytes(mine), Files.readAllBytes(other));
    if (!withIndex) {
      Files.delete(mine);
      Files.delete(other);
    }
    both(storage, theirs, "open");
    return same ? null : "the saved indexes differ";
  }

  private static @Nullable String compareStates(DifferentialStorage storage, List<String> tids) {
    String arguments =
        "%s %s"
            .formatted(
                DifferentialSequence.oids().stream()
                    .map(Oid::toString)
                    .collect(Collectors.joining(",")),
                String.join(",", tids));
    if (storage.execute("state digest " + arguments).equals(python("state digest " + arguments))) {
      return null;
    }
    List<String> mine = List.of(storage.execute("state full " + arguments).split("\t", -1));
    List<String> other = List.of(python("state full " + arguments).split("\t", -1));
    List<String> differences = new ArrayList<>();
    for (int i = 0; i < Math.max(mine.size(), other.size()) && differences.size() < 12; i++) {
      String left = i < other.size() ? other.get(i) : "(nothing)";
      String right = i < mine.size() ? mine.get(i) : "(nothing)";
      if (!left.equals(right)) {
        differences.add("python: " + left + "\nzrs:    " + right);
      }
    }
    return String.join("\n", differences);
  }

  /** Packs both, compares what is left, and has Python go on with our file. */
  private static @Nullable String pack(DifferentialStorage storage, Path theirs, String operation)
      throws IOException {
    List<String> mine = List.of(storage.execute(operation).split(" ", -1));
    List<String> other = List.of(python(operation).split(" ", -1));
    packs++;
    String difference = null;
    if (!mine.equals(other)) {
      beyondPython++;
      difference = explain(mine, other);
    }
    storage.execute("close");
    python("close");
    delete(theirs);
    copy(storage.directory(), theirs);
    both(storage, theirs, "open");
    return difference;
  }

  /** Null if the difference is one of those that are meant. */
  private static @Nullable String explain(List<String> mine, List<String> other) {
    if (PYTHON_GIVES_UP.contains(other.getFirst())) {
      return mine.getFirst().equals("ok") || mine.getFirst().equals(other.getFirst())
          ? null
          : "python fails with %s, zrs with %s".formatted(other.getFirst(), mine.getFirst());
    }
    if (!mine.getFirst().equals(other.getFirst())) {
      return "pack: python %s, zrs %s".formatted(other.getFirst(), mine.getFirst());
    }
    Set<String> missing = new HashSet<>(other);
    missing.removeAll(mine);
    Set<String> more = new HashSet<>(mine);
    more.removeAll(other);
    return missing.isEmpty() ? null : "pack leaves more %s, less %s".formatted(more, missing);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file));
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
