package dev.zrs.resolution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Random conflicts, merged by the real BTrees and by us: the same state, or both refuse. */
final class BTreesConflictsTest {
  /** A process of Python makes so many at once. */
  private static final int AT_ONCE = 5_000;

  private static final int COUNT = System.getenv("ZRS_LONG") == null ? 500 : 20_000;
  private static final Logger LOG = LoggerFactory.getLogger(BTreesConflictsTest.class);
  private static final String SCRIPT = "conflicts.py";

  /** The outcomes of all families. */
  private static final Set<String> REACHED = new TreeSet<>();

  @TempDir private Path directory = Path.of("unset");

  static Stream<String> families() {
    return Stream.concat(BTreeClass.FAMILIES.stream().sorted(), Stream.of("Length"));
  }

  @ParameterizedTest
  @MethodSource("families")
  void mergesAreThoseOfPython(String family) throws IOException {
    Map<String, Integer> tally = new HashMap<>();
    for (int done = 0, seed = 1; done < COUNT; done += AT_ONCE, seed++) {
      compare(family, Math.min(AT_ONCE, COUNT - done), seed, tally);
    }
    LOG.info("{}: {}", family, new TreeMap<>(tally));
    assertThat(tally.get("conflicts")).isEqualTo(COUNT);
    assertThat(tally.get("ours: resolved")).isGreaterThan(COUNT / 3);
    assertThat(tally.getOrDefault("unknown", 0)).isLessThan(COUNT / 10);
    REACHED.addAll(tally.keySet());
  }

  @Test
  void conflictsMadeByHandAreMergedAsPythonDoes() throws IOException {
    Map<String, Integer> tally = new HashMap<>();
    compare("by hand", 0, 1, tally);
    assertThat(tally.get("ours: resolved")).isEqualTo(9);
    assertThat(tally.get("ours: BTrees reason 0:")).isEqualTo(8);
  }

  @AfterAll
  static void everyReasonIsReached() {
    for (MergeError reason : MergeError.values()) {
      if (reason != MergeError.NOTHING_LEFT) {
        assertThat(REACHED).contains("ours: BTrees reason %d:".formatted(reason.number()));
      }
    }
  }

  private void compare(String family, int count, int seed, Map<String, Integer> tally)
      throws IOException {
    String[] which = {family, Integer.toString(count), Integer.toString(1000 * seed)};
    PythonPeer python = PythonPeer.current();
    byte[] conflicts =
        python.run(BTreesConflictsTest.class, SCRIPT, "make", which[0], which[1], which[2]);
    Path answers = directory.resolve("answers");
    Files.write(answers, answers(ByteBuffer.wrap(conflicts)));
    String said =
        new String(
            python.run(
                BTreesConflictsTest.class,
                SCRIPT,
                "check",
                which[0],
                which[1],
                which[2],
                answers.toString()),
            StandardCharsets.UTF_8);
    assertThat(said).as(said).contains("failures 0\n");
    said.substring(said.indexOf("failures 0\n"))
        .lines()
        .skip(1)
        .map(line -> line.split("\t"))
        .forEach(parts -> tally.merge(parts[0], Integer.parseInt(parts[1]), Integer::sum));
  }

  private static byte[] answers(ByteBuffer conflicts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    while (conflicts.hasRemaining()) {
      byte[] old = next(conflicts);
      byte[] committed = next(conflicts);
      byte[] changed = next(conflicts);
      byte[] answer =
          switch (ConflictResolver.resolve(old, committed, changed)) {
            case Resolution.Resolved(byte[] record) -> answer('=', record);
            case Resolution.Refused(String reason) -> answer('!', utf8(reason));
            case Resolution.Unknown(String reason) -> answer('?', utf8(reason));
          };
      out.writeInt(answer.length);
      out.write(answer);
    }
    return bytes.toByteArray();
  }

  private static byte[] answer(char outcome, byte[] content) {
    return ByteBuffer.allocate(content.length + 1).put((byte) outcome).put(content).array();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] next(ByteBuffer in) {
    byte[] piece = new byte[in.getInt()];
    in.get(piece);
    return piece;
  }
}
