package dev.zrs.pickle;

import static dev.zrs.pickle.HostilePicklesTest.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.HexLines;
import dev.zrs.testkit.PythonPeer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The scanner finds what the slow way finds, and fails as it does. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ReferenceScannerTest {
  private static final long SEED = Long.getLong("zrs.seed", System.nanoTime());

  /** Opcodes and arguments, so that random sequences of them get somewhere. */
  private static final List<String> PIECES =
      List.of(
          "\200\003",
          "\200\002",
          "\200\004",
          "(",
          "(",
          "N",
          "K\1",
          "M\1\2",
          "J\1\2\3\4",
          "G\0\0\0\0\0\0\0\0",
          "\212\1\5",
          "C\3abc",
          "C\10\0\0\0\0\0\0\1\2",
          "C\10\0\0\0\0\0\0\1\3",
          "U\10\0\0\0\0\0\0\2\2",
          "U\1a",
          "X\2\0\0\0ab",
          "X\10\0\0\0abcdefgh",
          "X\2\0\0\0\303\244",
          "X\1\0\0\0\377",
          "q\0",
          "q\1",
          "q\2",
          "r\3\0\0\0",
          "h\0",
          "h\1",
          "h\2",
          "j\3\0\0\0",
          ")",
          "\205",
          "\206",
          "\206",
          "\207",
          "t",
          "t",
          "]",
          "a",
          "e",
          "}",
          "s",
          "u",
          "cm.n\nA\n",
          "cm.n\nA\n",
          "c__builtin__\nset\n",
          "c_codecs\nencode\n",
          "ccopy_reg\n_reconstructor\n",
          "c\377\nA\n",
          "Q",
          "Q",
          "Q",
          "Q",
          "R",
          "R",
          "\201",
          "\201",
          "b",
          "b",
          ".",
          "0",
          "1",
          "2",
          "Pabcdefgh\n",
          "I1\n",
          "\210",
          "\225\1\0\0\0\0\0\0\0",
          "\224",
          "\217",
          "\220",
          "i",
          "o");

  private static List<byte[]> corpus = List.of();

  @BeforeAll
  static void make() {
    List<byte[]> all = new ArrayList<>();
    byte[] output = PythonPeer.current().run(RecordCorpusTest.class, "record_corpus.py");
    new String(output, StandardCharsets.UTF_8)
        .lines()
        .map(line -> line.split("\t", -1))
        .filter(line -> line[0].equals("record"))
        .forEach(line -> all.add(HexFormat.of().parseHex(line[2])));
    all.addAll(HexLines.of(PickleFuzz.class, "fuzz-records.txt"));
    corpus = all;
  }

  /** The references, or the message of the failure. */
  static List<String> reference(byte[] record) {
    List<String> found = new ArrayList<>();
    try {
      RecordReferences.of(record, oid -> found.add(Long.toHexString(oid)));
      return found;
    } catch (PickleException e) {
      return List.of("failed: " + e.getMessage());
    }
  }

  static List<String> scanned(ReferenceScanner scanner, byte[] record) {
    byte[] within = new byte[record.length + 20];
    Arrays.fill(within, (byte) '.');
    System.arraycopy(record, 0, within, 10, record.length);
    List<String> found = new ArrayList<>();
    try {
      scanner.scan(within, 10, record.length, oid -> found.add(Long.toHexString(oid)));
      return found;
    } catch (PickleException e) {
      return List.of("failed: " + e.getMessage());
    }
  }

  private static void check(ReferenceScanner scanner, byte[] record) {
    same(record, scanned(scanner, record), reference(record));
  }

  private static void same(byte[] record, List<String> found, List<String> expected) {
    if (!found.equals(expected)) {
      assertThat(found)
          .as("%s (seed %s)", HexFormat.of().formatHex(record), SEED)
          .isEqualTo(expected);
    }
  }

  @Test
  void records_of_python_and_of_fuzzing_give_the_same_in_every_form() {
    ReferenceScanner scanner = new ReferenceScanner();
    for (byte[] record : corpus) {
      check(scanner, record);
      check(scanner, RecordForm.compressed(record));
      check(scanner, bytes(".h" + HexFormat.of().formatHex(record)));
    }
  }

  @Test
  void damaged_records_give_the_same() {
    ReferenceScanner scanner = new ReferenceScanner();
    Random random = new Random(SEED);
    for (int i = 0; i < 20_000; i++) {
      byte[] record = corpus.get(random.nextInt(corpus.size())).clone();
      for (int n = random.nextInt(3); n >= 0 && record.length > 0; n--) {
        int at = random.nextInt(record.length);
        byte[] piece = bytes(PIECES.get(random.nextInt(PIECES.size())));
        switch (random.nextInt(4)) {
          case 0 -> record[at] = (byte) random.nextInt(256);
          case 1 -> record = Arrays.copyOf(record, at);
          case 2 -> record = spliced(record, at, piece, at);
          default -> record = spliced(record, at, piece, Math.min(record.length, at + 3));
        }
      }
      check(scanner, record);
    }
  }

  private static byte[] spliced(byte[] record, int to, byte[] piece, int from) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(record, 0, to);
    out.writeBytes(piece);
    out.write(record, from, record.length - from);
    return out.toByteArray();
  }

  @Test
  void random_sequences_of_opcodes_give_the_same_and_many_are_good() {
    ReferenceScanner scanner = new ReferenceScanner();
    Random random = new Random(SEED);
    int good = 0;
    int withReferences = 0;
    int withoutHelp = 0;
    for (int i = 0; i < 100_000; i++) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (int pickle = 0; pickle < 2; pickle++) {
        for (int n = random.nextInt(pickle == 0 ? 3 : 14); n > 0; n--) {
          out.writeBytes(bytes(PIECES.get(random.nextInt(PIECES.size()))));
        }
        out.write('N');
        out.write('.');
      }
      byte[] record = out.toByteArray();
      List<String> found = reference(record);
      same(record, scanned(scanner, record), found);
      boolean isGood = found.isEmpty() || !found.getFirst().startsWith("failed");
      good += isGood ? 1 : 0;
      withReferences += isGood && !found.isEmpty() ? 1 : 0;
      withoutHelp += scanner.reads(record, 0, record.length) ? 1 : 0;
    }
    assertThat(good).isGreaterThan(3_000);
    assertThat(withReferences).isGreaterThan(30);
    assertThat(withoutHelp).isGreaterThan(good / 4).isLessThanOrEqualTo(good);
  }

  @Test
  void what_zodb_writes_is_read_without_help() {
    ReferenceScanner scanner = new ReferenceScanner();
    String oid = "C\10\0\0\0\0\0\0\1\2";
    String persistent = "(" + oid + "q\1cm.n\nA\nq\2tq\3Q";
    for (String record :
        List.of(
            "\200\003cm.n\nA\nq\0.\200\003}q\1X\1\0\0\0aq\2" + persistent + "s.",
            "\200\003cm.n\nA\nq\0.\200\003((" + "K\1" + persistent + "K\2h\1h\2\206Qttq\4N\206.",
            "\200\003cm.n\nA\nq\0.\200\003cd.t\nD\n)\201q\1}(K\1](K\2K\3eub.",
            "\200\003cm.n\nA\nq\0.\200\003cdatetime\ndatetime\nC\3abcq\1\205q\2Rq\3\205q\4.",
            "\200\002(cm.n\nA\nq\0Nt.\200\002U\10\0\0\0\0\0\0\1\2q\1Q.")) {
      byte[] each = bytes(record);
      assertThat(reference(each)).as(record).noneMatch(found -> found.startsWith("failed"));
      assertThat(scanner.reads(each, 0, each.length)).as(record).isTrue();
      check(scanner, each);
    }
    // The second pickle shares the memo of the first one; the next record does not.
    byte[] sharing = bytes("\200\003" + oid + "q\5.\200\003h\5Q.");
    assertThat(scanned(scanner, sharing)).containsExactly("102");
    check(scanner, bytes("\200\003N.\200\003h\5Q."));
  }
}
