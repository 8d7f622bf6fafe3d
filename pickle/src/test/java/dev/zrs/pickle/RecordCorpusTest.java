package dev.zrs.pickle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Data records and extensions from Python 2's time on, made and read by Python: what we read must
 * be the same. The exceptions are listed, each with its reason, and must be real ones.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RecordCorpusTest {
  private static final String REFUSED = "!";

  /** What Python refuses or misses, but a load in Python, given all help, finds. */
  private static final Map<String, String> READ_MORE =
      Map.of(
          "pickle/.*|raw/(memoize|frame|short-binunicode|stack-global|newobj-ex|frozenset|additems"
              + "|bytearray8|global-dotted)|raw-class/(stack-global(-blob)?|framed-class)",
          "ZODB reads protocols 0 to 3 only",
          "state/date/.|reference/(high-(pair|oid|weak)|many)/.|raw/quoted-(oid-with-high-escape"
              + "|high|octal-overflow)",
          "a str of Python 2 that is not ASCII stops Python 3; a file of Python 2 has many",
          "zodbpickle/(bytes|binary)-(oid|pair|shared)/[12].*"
              + "|zodbpickle/reference-.*/[12].*|raw/codecs-(oid|pair)",
          "below protocol 3, bytes are a call; noload makes None of it, and then refuses the None");

  /** Read without references, though Python refuses. */
  private static final Map<String, String> READ_EMPTY =
      Map.of("raw/unhashable-key", "keys are kept as a list: nothing is hashed");

  /** What Python reads and we do not. */
  private static final Map<String, String> READ_LESS =
      Map.of(
          "reference/weak-tuple/.|raw/persid-(of-nine|with-escape)|raw/(short|long|empty)-oid",
          "an oid has eight bytes",
          "raw/persid-high",
          "no pickler puts bytes beyond ASCII on a line",
          "raw/int-hex|raw/long-hex|raw/int-underscore|raw/crlf",
          "numbers as no pickler writes them",
          "raw/ext1-zero|raw/ext4-negative|raw/app.*-to-none|raw/build-on-(dict|global)"
              + "|raw/global-bad-utf8",
          "noload does not look; a load refuses",
          "raw/pop-of-call|raw/build-twice|raw/build-on-reference|raw/mark-left",
          "what does not end as one value would lose something when written again");

  /** Where our class of a record is another than that of get_pickle_metadata. */
  private static final Map<String, String> CLASSES =
      Map.of(
          "pickle/.*", "persistent.mapping PersistentMapping", // it reads no protocol 4
          "raw-class/(stack-global|framed-class)", "m.n A",
          "raw-class/stack-global-blob", "ZODB.blob Blob",
          // It gives the repr of what is no class.
          "metadata/(none|number)/.|raw-class/blob-within-text", " ",
          "raw-class/numbers-for-names", " ",
          // It breaks the pickle open at its begin, and does not look on.
          "raw-class/(mark-class-.*|instance|blob-called)", " ");

  private static final Set<String> BLOBS_OF_PROTOCOL_4 = Set.of("raw-class/stack-global-blob");

  private static List<String[]> lines = List.of();

  @BeforeAll
  static void make() {
    byte[] output = PythonPeer.current().run(RecordCorpusTest.class, "record_corpus.py");
    lines =
        new String(output, StandardCharsets.UTF_8)
            .lines()
            .map(line -> line.split("\t", -1))
            .toList();
  }

  private static List<String[]> of(String kind) {
    return lines.stream().filter(line -> line[0].equals(kind)).toList();
  }

  private static byte[] data(String[] line) {
    return HexFormat.of().parseHex(line[2]);
  }

  @Test
  void the_corpus_is_large_and_no_exception_is_idle() {
    assertThat(of("record")).hasSizeGreaterThan(450);
    assertThat(of("extension")).hasSizeGreaterThan(45);
    Set<String> names = of("record").stream().map(line -> line[1]).collect(Collectors.toSet());
    List<String> patterns = new ArrayList<>();
    patterns.addAll(READ_MORE.keySet());
    patterns.addAll(READ_EMPTY.keySet());
    patterns.addAll(READ_LESS.keySet());
    patterns.addAll(CLASSES.keySet());
    for (String pattern : patterns) {
      for (String alternative : pattern.split("\\|(?![^(]*\\))", -1)) {
        assertThat(names).as(alternative).anyMatch(name -> name.matches(alternative));
      }
    }
  }

  @Test
  void references_are_those_that_python_finds() {
    for (String[] line : of("record")) {
      String python = line[3].startsWith(REFUSED) ? REFUSED : line[3];
      String ours = references(data(line));
      Predicate<Map<String, String>> listed =
          list -> list.keySet().stream().anyMatch(line[1]::matches);
      String expected = python;
      if (listed.test(READ_MORE)) {
        expected = line[4];
      } else if (listed.test(READ_EMPTY)) {
        expected = "";
      } else if (listed.test(READ_LESS)) {
        expected = REFUSED;
      }
      assertThat(ours).as(line[1]).isEqualTo(expected);
      if (listed.test(READ_MORE) || listed.test(READ_EMPTY) || listed.test(READ_LESS)) {
        assertThat(ours).as("%s is no exception", line[1]).isNotEqualTo(python);
      }
    }
  }

  private static String references(byte[] record) {
    List<String> found = new ArrayList<>();
    try {
      RecordReferences.of(record, oid -> found.add(HexFormat.of().toHexDigits(oid)));
    } catch (PickleException e) {
      return REFUSED;
    }
    return String.join(" ", found);
  }

  @Test
  void classes_are_those_that_python_names() {
    for (String[] line : of("record")) {
      // Python says an empty name where it can't read the pickle, or fails.
      String python = line[5].startsWith(REFUSED) ? " " : line[5];
      String expected =
          CLASSES.entrySet().stream()
              .filter(entry -> line[1].matches(entry.getKey()))
              .map(Map.Entry::getValue)
              .findFirst()
              .orElse(python);
      String ours =
          RecordPickles.classOf(data(line))
              .map(type -> type.module() + " " + type.name())
              .orElse(" ");
      assertThat(ours).as(line[1]).isEqualTo(expected);
    }
  }

  @Test
  void blobs_are_those_that_python_knows() {
    Set<String> found = new HashSet<>();
    for (String[] line : of("record")) {
      boolean python = line[6].equals("1");
      assertThat(RecordPickles.isBlob(data(line)))
          .as(line[1])
          .isEqualTo(python || BLOBS_OF_PROTOCOL_4.contains(line[1]));
      if (python) {
        found.add(line[1]);
      }
    }
    assertThat(found).hasSizeGreaterThan(4);
  }

  @Test
  void extensions_have_the_values_that_python_reads() {
    for (String[] line : of("extension")) {
      // ZODB reads protocols 0 to 3 only.
      String python = line[1].matches("pickle/[45]") ? line[4] : line[3];
      if (line[1].startsWith("unknown-class")) {
        // Python would have to import it. We keep it as data, and write it again as it was.
        assertThat(python).startsWith(REFUSED);
        assertThat(Unpickler.load(data(line))).isInstanceOf(PyDict.class);
        continue;
      }
      String ours;
      try {
        ours = canonical(Unpickler.load(data(line)));
      } catch (PickleException e) {
        ours = REFUSED;
      }
      assertThat(ours).as(line[1]).isEqualTo(python.startsWith(REFUSED) ? REFUSED : python);
    }
  }

  /** The notation of record_corpus.py. */
  private static String canonical(Object value) {
    HexFormat hex = HexFormat.of();
    return switch (value) {
      case PyNone none -> "None";
      case Boolean bool -> bool ? "True" : "False";
      case Long number -> "i" + number;
      case BigInteger number -> "i" + number;
      case Double number -> "f" + hex.toHexDigits(Double.doubleToRawLongBits(number));
      case String text -> "s" + hex.formatHex(text.getBytes(StandardCharsets.UTF_8));
      case byte[] bytes -> "b" + hex.formatHex(bytes);
      // ZODB has Python read it as text if it is ASCII.
      case PyStr8 str ->
          (str.toString().chars().allMatch(c -> c < 0x80) ? "s" : "b") + hex.formatHex(str.bytes());
      case PyTuple tuple -> joined("(", tuple.items(), ")");
      case PyList list -> joined("[", list.items(), "]");
      case PySet set ->
          set.items().stream()
              .map(RecordCorpusTest::canonical)
              .sorted()
              .collect(Collectors.joining(",", "<", ">"));
      case PyDict dict ->
          dict.entries().stream()
              .map(entry -> canonical(entry.key()) + ":" + canonical(entry.value()))
              .collect(Collectors.joining(",", "{", "}"));
      default -> throw new AssertionError("no notation for " + Py.describe(value));
    };
  }

  private static String joined(String open, List<Object> items, String close) {
    return items.stream()
        .map(RecordCorpusTest::canonical)
        .collect(Collectors.joining(",", open, close));
  }
}
