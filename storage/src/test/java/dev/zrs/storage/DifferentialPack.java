package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One pack of both storages. What each has to leave is computed by differential.py from the file
 * before, apart from both packers; so a difference between the two is only accepted where it was to
 * be expected. Where there is none, the packed files are equal byte for byte.
 */
final class DifferentialPack {
  private final DifferentialStorage ours;
  private final Path theirs;
  private final DifferentialTally tally;
  private boolean changed;
  private boolean same;
  private boolean usable;

  DifferentialPack(DifferentialStorage ours, Path theirs, DifferentialTally tally) {
    this.ours = ours;
    this.theirs = theirs;
    this.tally = tally;
  }

  /** Whether both have the same files now. */
  boolean isSame() {
    return same;
  }

  /** Whether Python has done its work, and lost nothing. */
  boolean isUsable() {
    return usable;
  }

  /**
   * Packs.
   *
   * @param python packs Python's; gives what differential.py says of it
   * @return what differs
   */
  @Nullable String run(String command, Supplier<String> python) throws IOException {
    List<String> filesBefore = DifferentialState.files(ours.directory());
    boolean isEmpty = ours.storage().objectCount() == 0;
    byte[] before = Files.readAllBytes(file(ours.directory()));
    Tid last = ours.storage().lastTransaction();
    Map<String, String> said = new HashMap<>();
    for (String line : python.get().split("\t", -1)) {
      int space = line.indexOf(' ');
      said.put(line.substring(0, space), line.substring(space + 1).stripTrailing());
    }
    String mine = ours.pack(command);
    changed = !Arrays.equals(before, Files.readAllBytes(file(ours.directory())));
    tally.packs++;
    Tid stop = PackOptions.tidOf(Double.parseDouble(command.split(" ", -1)[1]));
    if (!stop.toString().equals(said(said, "stop"))) {
      return difference("the pack time", said(said, "stop"), stop);
    }
    String expected = said(said, "ours");
    if (!mine.equals(expected)) {
      return difference("what zrs leaves", expected, mine);
    }
    if (!ours.storage().lastTransaction().equals(last)) {
      return "the last transaction was %s, and is %s"
          .formatted(last, ours.storage().lastTransaction());
    }
    String difference = blobs(filesBefore, mine);
    if (difference == null && !isEmpty) {
      difference = oldFile(before, command);
    }
    return difference != null ? difference : python(said, mine);
  }

  private static String said(Map<String, String> said, String what) {
    return Objects.requireNonNull(said.get(what), what);
  }

  /** Those blobs are left, and only those, of which a record is left. */
  private @Nullable String blobs(List<String> before, String left) {
    if (ours.storage().blobs().isEmpty() || left.equals("KeyError")) {
      return null;
    }
    BlobDirectory blobs = ours.storage().blobs().orElseThrow();
    Set<String> revisions = new HashSet<>();
    for (String entry : left.substring("ok".length()).strip().split(" ", -1)) {
      if (!entry.isEmpty()) {
        String[] parts = entry.split(":", -1);
        Path file =
            blobs.file(
                Oid.of(DifferentialSequence.bytes(parts[0])),
                Tid.of(DifferentialSequence.bytes(parts[1])));
        revisions.add(ours.directory().relativize(file).toString());
      }
    }
    List<String> expected =
        blobLines(before).stream()
            .filter(line -> revisions.contains(line.split(" ", -1)[1]))
            .toList();
    List<String> after = blobLines(DifferentialState.files(ours.directory()));
    return after.equals(expected) || isOnlyLeftOver(expected, after)
        ? null
        : difference("blobs", expected, after);
  }

  private static List<String> blobLines(List<String> files) {
    return files.stream().filter(line -> line.startsWith("file blobs/0x")).toList();
  }

  private @Nullable String oldFile(byte[] before, String command) throws IOException {
    Path old = ours.directory().resolve("Data.fs.old");
    boolean wanted = changed && command.endsWith(" true");
    if (Files.exists(old) != wanted) {
      return "Data.fs.old: wanted %s, there %s".formatted(wanted, Files.exists(old));
    }
    return !wanted || Arrays.equals(before, Files.readAllBytes(old))
        ? null
        : "Data.fs.old is not the file before";
  }

  private @Nullable String python(Map<String, String> said, String mine) throws IOException {
    String expected = said(said, "expected");
    String result = said(said, "python");
    String error = result.split(" ", -1)[0];
    if (expected.startsWith("unsure ")) {
      return null;
    }
    if (!expected.startsWith("ok")) {
      tally.packsThatPythonGivesUp++;
      return expected.startsWith(error + " ") ? null : difference("python's end", expected, result);
    }
    if (!result.equals(expected)) {
      return difference("what python leaves", expected, result);
    }
    if (!result.equals(mine)) {
      tally.packsThatKeepMore++;
      return isSubset(result, mine) ? null : difference("what is left", result, mine);
    }
    return sameRecords(said(said, "header").equals("True"));
  }

  private static boolean isSubset(String fewer, String more) {
    return Set.copyOf(List.of(more.split(" ", -1))).containsAll(List.of(fewer.split(" ", -1)));
  }

  private @Nullable String sameRecords(boolean withHeader) throws IOException {
    byte[] mine = Files.readAllBytes(file(ours.directory()));
    byte[] other = Files.readAllBytes(file(theirs));
    if (withHeader) {
      tally.packsThatKeepAHeader++;
      boolean isStart =
          other.length < mine.length
              && Arrays.equals(mine, 0, other.length, other, 0, other.length);
      usable = isStart;
      return isStart ? null : "ours is not Python's packed file and a header";
    }
    if (!Arrays.equals(mine, other)) {
      return "the packed files differ at %d".formatted(Arrays.mismatch(mine, other));
    }
    tally.packsWithTheSameBytes++;
    boolean isIndexSaved = changed && ours.storage().objectCount() > 0;
    if (isIndexSaved && !Arrays.equals(index(ours.directory()), index(theirs))) {
      return "the saved indexes differ";
    }
    List<String> files = DifferentialState.files(ours.directory());
    List<String> theirFiles =
        DifferentialState.files(theirs).stream()
            .filter(line -> !isLeftOver(Path.of(line.split(" ", -1)[1])))
            .toList();
    same = files.equals(theirFiles);
    usable = same;
    return same || isLossOfYoungerBlobs(files, theirFiles)
        ? null
        : difference("files", theirFiles, files);
  }

  /**
   * Python removes the whole directory of a blob that was garbage at the pack time, with what
   * younger transactions have put there.
   */
  private static boolean isLossOfYoungerBlobs(List<String> mine, List<String> theirs) {
    Set<String> lost = new HashSet<>(mine);
    theirs.forEach(lost::remove);
    return Set.copyOf(mine).containsAll(theirs)
        && lost.stream().allMatch(line -> line.contains(".blob "));
  }

  /**
   * Whether all that is too much are blobs that a transaction brought whose last record of the
   * object says that there is none: a pack finds them by records of blobs.
   */
  private static boolean isOnlyLeftOver(List<String> expected, List<String> found) {
    Set<String> more = new HashSet<>(found);
    expected.forEach(more::remove);
    return Set.copyOf(found).containsAll(expected) && more.size() == 1;
  }

  /** Whether it is a file, relative to the storage's directory, that Python leaves behind. */
  static boolean isLeftOver(Path file) {
    return file.toString().matches("(blobs/tmp/|blobs/.removed|Data.fs.tmp).*");
  }

  private static byte[] index(Path directory) throws IOException {
    Path index = directory.resolve("Data.fs.index");
    return Files.exists(index) ? Files.readAllBytes(index) : new byte[0];
  }

  private static Path file(Path directory) {
    return directory.resolve("Data.fs");
  }

  private static String difference(String what, Object expected, Object found) {
    Set<String> missing = words(expected);
    missing.removeAll(words(found));
    Set<String> more = words(found);
    more.removeAll(words(expected));
    return "%s: missing %s, too many %s; expected%n%s%nfound%n%s"
        .formatted(what, missing, more, expected, found);
  }

  private static Set<String> words(Object text) {
    return Arrays.stream(text.toString().split(" ", -1))
        .collect(Collectors.toCollection(HashSet::new));
  }
}
