package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a pack leaves, beside what Python's packer leaves of the same file. */
final class PackPeerTest {
  @TempDir private Path directory = Path.of("unset");

  private String peer(String command, String... arguments) {
    List<String> all = new ArrayList<>(List.of(command));
    all.addAll(List.of(arguments));
    return new String(
        PythonPeer.current().run(PackPeerTest.class, "peer.py", all.toArray(String[]::new)),
        StandardCharsets.UTF_8);
  }

  /**
   * Python's packer gives up where a younger record points back to a revision that is not current
   * (without garbage collection), or where a reference leads to a deleted object (with it).
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void is_the_same_at_any_time_with_and_without_garbage_collection(boolean packedBefore)
      throws IOException {
    Path file = directory.resolve("Data.fs");
    Path blobs = directory.resolve("blobs");
    peer("make", file.toString(), blobs.toString(), packedBefore ? "packed" : "");
    String times =
        peer("pack_at_all_times", file.toString(), blobs.toString(), directory.toString());
    List<String> lines = times.lines().toList();
    assertThat(lines).hasSizeGreaterThan(20);
    List<Path> packed = new ArrayList<>();
    int removed = 0;
    int beyondPython = 0;
    for (String line : lines) {
      String[] words = line.split(" ", -1);
      boolean collectGarbage = words[1].equals("True");
      Path python = directory.resolve("python-%s-%s".formatted(words[0], words[1]));
      Path ours = directory.resolve("zrs-%s-%s".formatted(words[0], words[1]));
      copy(directory.resolve("blobs"), ours.resolve("blobs"));
      Files.copy(file, ours.resolve("Data.fs"));
      StorageOptions options =
          StorageOptions.of(ours.resolve("Data.fs"))
              .withBlobDirectory(ours.resolve("blobs"))
              .withPack(collectGarbage, true);
      PackReport report = pack(options, PackOptions.tidOf(Double.parseDouble(words[2])));
      assertThat(report.unreadableCount()).isZero();
      packed.add(ours);
      if (report.packed()) {
        removed++;
        assertThat(Files.size(ours.resolve("Data.fs"))).isEqualTo(report.sizeAfter());
      }
      if (words[3].equals("done")) {
        assertThat(names(ours)).as("files after %s", line).isEqualTo(names(python));
        assertThat(withoutEmptyEnd(ours))
            .as("content after %s", line)
            .isEqualTo(withoutEmptyEnd(python));
      } else {
        assertThat(words[3])
            .as(line)
            .isIn(collectGarbage ? List.of("KeyError") : List.of("AssertionError", "PackError"));
        assertThat(currentStates(ours)).isEqualTo(currentStates(directory));
        beyondPython++;
      }
    }
    assertThat(removed).isGreaterThan(packedBefore ? 5 : 20);
    assertThat(beyondPython).isBetween(1, 10);
    String all = peer("dump_all", packed.stream().map(Path::toString).toArray(String[]::new));
    String expected = "";
    for (Path ours : packed) {
      expected += dump(ours) + "end of " + ours + "\n";
    }
    assertThat(all).isEqualTo(expected);
  }

  private static PackReport pack(StorageOptions options, Tid time) {
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), InstantSource.system())) {
      return storage.pack(time);
    }
  }

  private static String dump(Path of) {
    StorageOptions options = StorageOptions.of(of.resolve("Data.fs")).withReadOnly(true);
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), InstantSource.system())) {
      return Dump.of(storage);
    }
  }

  /** Our pack keeps the header of the last transaction, so that the last tid never goes back. */
  private static List<String> withoutEmptyEnd(Path of) {
    List<String> lines = new ArrayList<>(dump(of).lines().toList());
    lines.removeLast();
    int last = 0;
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).startsWith("T ")) {
        last = i;
      }
    }
    if (!lines.get(last + 1).startsWith("R ")) {
      lines.remove(last);
    }
    return lines;
  }

  private static List<String> currentStates(Path of) {
    return dump(of)
        .lines()
        .filter(line -> line.startsWith("L ") && !line.endsWith("POSKeyError"))
        .toList();
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .map(directory::relativize)
          .map(Path::toString)
          .filter(name -> !name.equals("Data.fs.tmp"))
          // Python does not remember its packs.
          .filter(name -> !name.equals("Data.fs.packtime"))
          // Python leaves this one when it finds nothing to pack.
          .filter(name -> !name.equals("blobs/.removed"))
          .sorted()
          .toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file));
        Files.createDirectories(target.getParent());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }
}
