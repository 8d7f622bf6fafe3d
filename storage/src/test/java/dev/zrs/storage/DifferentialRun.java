package dev.zrs.storage;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One sequence of operations on both storages, compared after each. */
final class DifferentialRun implements AutoCloseable {
  private static final int SHOWN = 12;

  private final PythonStorage python;
  private final Path theirs;
  private final DifferentialStorage ours;
  private final DifferentialTally tally;
  private final List<String> tids = new ArrayList<>();
  private String layout = "bushy";
  private String quota = "-";
  private byte @Nullable [] staleIndex;

  /**
   * @param directory for the files of both
   * @param tally counts what was done
   */
  DifferentialRun(PythonStorage python, Path directory, DifferentialTally tally) {
    this.python = python;
    this.tally = tally;
    this.ours = new DifferentialStorage(directory.resolve("ours"));
    this.theirs = directory.resolve("theirs");
  }

  /**
   * Runs all operations, as far as the first difference.
   *
   * @return that difference; null if there is none
   */
  @Nullable String run(List<String> operations) throws IOException {
    configure(operations.getFirst());
    try {
      for (int i = 1; i < operations.size(); i++) {
        String operation = operations.get(i);
        String difference = stepAndCompare(operation);
        if (difference != null) {
          return "after operation %d, %s:%n%s".formatted(i, operation, difference);
        }
        tally.operations++;
      }
      return null;
    } finally {
      closeBoth();
    }
  }

  private @Nullable String stepAndCompare(String operation) {
    try {
      String difference = step(operation);
      return difference == null && !tids.isEmpty() ? compareStates() : difference;
    } catch (IOException | RuntimeException | AssertionError e) {
      // What nobody should throw is a difference too, and the sequence can be shrunk.
      StringWriter text = new StringWriter();
      e.printStackTrace(new PrintWriter(text));
      return text.toString();
    }
  }

  private void configure(String operation) throws IOException {
    String[] words = operation.split(" ", -1);
    layout = words[1];
    quota = words[2];
    for (Path directory : List.of(ours.directory(), theirs)) {
      Files.createDirectories(directory);
      if (layout.equals("lawn")) {
        // With a file, as Python removes the blobs that it finds where there is none.
        Files.write(directory.resolve("Data.fs"), Dump.ascii("FS30"));
        Files.createDirectory(directory.resolve("blobs"));
        Files.write(directory.resolve("blobs").resolve(".layout"), Dump.ascii("lawn"));
      }
    }
    openBoth("write");
  }

  private void openBoth(String how) {
    ours.open(how, layout, quota);
    python.call("open %s %s %s %s".formatted(theirs, how, layout, quota));
  }

  private void closeBoth() throws IOException {
    boolean hasObjects = ours.isOpen() && ours.storage().objectCount() > 0;
    ours.close();
    python.call("close");
    if (!hasObjects && !Files.exists(index(ours.directory()))) {
      // With the one that it has just written, Python could not open its file again.
      Files.deleteIfExists(index(theirs));
    }
  }

  private static Path index(Path directory) {
    return directory.resolve("Data.fs.index");
  }

  private static byte[] read(Path file) throws IOException {
    return Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
  }

  private @Nullable String step(String operation) throws IOException {
    List<String> words = List.of(operation.split(" ", -1));
    return switch (words.getFirst()) {
      case "transaction" -> {
        tids.add(words.get(1));
        String mine = ours.transaction(operation);
        tally.transaction(mine, operation);
        yield difference(operation, mine, python.call(operation));
      }
      case "pack" -> pack(operation);
      case "reopen" -> reopen(words.get(1));
      case "readonly" -> readOnly();
      case "create" -> {
        closeBoth();
        openBoth("create");
        staleIndex = null;
        yield null;
      }
      default -> throw new AssertionError(operation);
    };
  }

  private static @Nullable String difference(String what, String mine, String other) {
    boolean same = mine.equals(other);
    if (other.startsWith("MultipleUndoErrors") && other.contains("_loadBack() failed")) {
      // Of an object that was deleted; ours says that it was changed.
      same = withoutReasons(mine).equals(withoutReasons(other));
    }
    return same ? null : "%s: python %s, zrs %s".formatted(what, other, mine);
  }

  private static List<String> withoutReasons(String errors) {
    return Arrays.stream(errors.split(" ", -1))
        .filter(word -> word.matches("[0-9a-f]{16}|MultipleUndoErrors"))
        .toList();
  }

  private @Nullable String reopen(String index) throws IOException {
    closeBoth();
    Path mine = index(ours.directory());
    Path other = index(theirs);
    byte[] saved = read(mine);
    boolean same = Arrays.equals(saved, read(other));
    byte[] earlier = staleIndex;
    staleIndex = saved.length == 0 ? null : saved;
    if (index.equals("drop")) {
      Files.deleteIfExists(mine);
      Files.deleteIfExists(other);
    } else if (index.equals("stale") && earlier != null) {
      Files.write(mine, earlier);
      Files.write(other, earlier);
    }
    openBoth("write");
    tally.reopened++;
    return same
        ? difference("a new oid", ours.newOid(), python.call("new_oid"))
        : "the saved indexes differ";
  }

  private @Nullable String readOnly() throws IOException {
    closeBoth();
    openBoth("readonly");
    String difference = tids.isEmpty() ? null : compareStates();
    String write = "transaction 7f00000000000000 normal - - - finish delete,0000000000000000,zero";
    if (difference == null) {
      difference = difference(write, ours.transaction(write), python.call(write));
    }
    if (difference == null) {
      difference = difference("a new oid", ours.newOid(), python.call("new_oid"));
    }
    closeBoth();
    openBoth("write");
    return difference;
  }

  private @Nullable String compareStates() {
    String oids =
        DifferentialSequence.oids().stream().map(Oid::toString).collect(Collectors.joining(","));
    String arguments = "%s %s %s".formatted(oids, String.join(",", tids), ranges());
    // While the other side works on its own.
    python.begin("state digest " + arguments);
    List<String> mine =
        DifferentialState.of(
            ours.storage(),
            ours.directory(),
            DifferentialSequence.oids(),
            tids.stream().map(each -> Tid.of(DifferentialSequence.bytes(each))).toList(),
            ranges());
    tally.states++;
    if (DifferentialState.digest(mine).equals(python.end("state digest " + arguments))) {
      return null;
    }
    return firstDifferences(mine, List.of(python.call("state full " + arguments).split("\t", -1)));
  }

  /** Some ranges for the iterator: open ones, ones between two tids, an empty one. */
  private String ranges() {
    int count = tids.size();
    String early = tids.get(count / 4);
    String late = tids.get(count * 3 / 4);
    Tid between = Tid.of(DifferentialSequence.bytes(tids.get(count / 2))).next();
    return String.join(
        ",",
        "-:" + late,
        early + ":-",
        early + ":" + late,
        between + ":-",
        "-:" + between,
        late + ":" + early,
        Tid.NONE.next() + ":-",
        "7f00000000000000:-");
  }

  private static String firstDifferences(List<String> mine, List<String> other) {
    List<String> differences = new ArrayList<>();
    for (int i = 0; i < Math.max(mine.size(), other.size()); i++) {
      String left = i < other.size() ? other.get(i) : "(nothing)";
      String right = i < mine.size() ? mine.get(i) : "(nothing)";
      if (!left.equals(right) && differences.size() < SHOWN) {
        differences.add("python: " + left + "\nzrs:    " + right);
      }
    }
    return String.join("\n", differences);
  }

  /** Packs both, compares what is left, and has both go on with one of the files. */
  private @Nullable String pack(String operation) throws IOException {
    String goOn = operation.substring(operation.lastIndexOf(' ') + 1);
    String command = operation.substring(0, operation.lastIndexOf(' '));
    DifferentialPack pack = new DifferentialPack(ours, theirs, tally);
    String difference = pack.run(command, () -> python.call(command));
    if (difference != null) {
      return difference;
    }
    staleIndex = null;
    if (pack.isSame()) {
      return null;
    }
    closeBoth();
    boolean withTheirs = goOn.equals("theirs") && pack.isUsable();
    Path from = withTheirs ? theirs : ours.directory();
    Path to = withTheirs ? ours.directory() : theirs;
    tally.goesOnWithTheirs += withTheirs ? 1 : 0;
    delete(to);
    copy(from, to);
    openBoth("write");
    return null;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file));
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else if (!DifferentialPack.isLeftOver(from.relativize(file))) {
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

  /** Removes the files. */
  @Override
  public void close() throws IOException {
    delete(ours.directory());
    delete(theirs);
  }
}
