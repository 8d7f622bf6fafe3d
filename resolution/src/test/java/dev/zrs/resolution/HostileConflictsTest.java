package dev.zrs.resolution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.Bounds;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Records of somebody who means harm: an attempt to merge them ends soon, with an answer, and takes
 * no more memory than the records are worth. The commit lock is held meanwhile.
 */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HostileConflictsTest {
  private static final int MUTATIONS = 20_000;

  /** What means something in pickles of all protocols. */
  private static final byte[] OPCODES =
      latin1(
          "(.0125BCFGIJKLMNPQRSTUVX]abcdeghijloprstuq}\u0080\u0081\u0082\u0085\u0086\u0087\u0088"
              + "\u0089\u008a\u008b\u008c\u008f\u0090\u0091\u0092\u0093\u0094\u0095");

  private enum Outcome {
    RESOLVED,
    REFUSED,
    UNKNOWN
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static Outcome outcome(Resolution resolution) {
    return switch (resolution) {
      case Resolution.Resolved resolved -> Outcome.RESOLVED;
      case Resolution.Refused refused -> Outcome.REFUSED;
      case Resolution.Unknown unknown -> Outcome.UNKNOWN;
    };
  }

  @Test
  void damagedRecordsAreMergedOrNot() {
    Random random = new Random(6);
    List<Conflict> kept = Conflict.kept().stream().map(Conflict::of).toList();
    Map<Outcome, Integer> tally = new EnumMap<>(Outcome.class);
    for (int i = 0; i < MUTATIONS; i++) {
      Conflict conflict = damaged(kept.get(i % kept.size()), random);
      try {
        tally.merge(outcome(ResolutionFuzz.check(conflict)), 1, Integer::sum);
      } catch (RuntimeException | StackOverflowError | OutOfMemoryError | AssertionError e) {
        throw new AssertionError(conflict.toString(), e);
      }
    }
    // Else the damage is too large, or there is none.
    for (Outcome outcome : Outcome.values()) {
      assertThat(tally.getOrDefault(outcome, 0)).as("%s", tally).isGreaterThan(MUTATIONS / 30);
    }
  }

  private static Conflict damaged(Conflict conflict, Random random) {
    // The same damage to all three comes further than to one.
    long same = random.nextLong();
    int which = random.nextInt(4);
    return new Conflict(
        which == 0 || which == 3 ? damaged(conflict.old(), new Random(same)) : conflict.old(),
        which == 1 || which == 3
            ? damaged(conflict.committed(), new Random(same))
            : conflict.committed(),
        which == 2 || which == 3
            ? damaged(conflict.changed(), new Random(same))
            : conflict.changed());
  }

  private static byte[] damaged(byte[] record, Random random) {
    byte[] damaged = record;
    for (int k = random.nextInt(2); k >= 0; k--) {
      // What follows the name of the class, as a rule.
      int at = damaged.length - 1 - random.nextInt(1 + damaged.length * 3 / 4);
      int length = 1 + random.nextInt(8);
      damaged =
          switch (random.nextInt(16)) {
            case 0 -> replaced(damaged, at, 1, new byte[] {(byte) random.nextInt(256)});
            case 1 -> replaced(damaged, at, 1, opcodes(1, random));
            case 2 -> replaced(damaged, at, 0, opcodes(length, random));
            case 3 -> replaced(damaged, at, length, new byte[0]);
            case 4 -> replaced(damaged, at, 0, piece(damaged, random));
            case 5 -> replaced(damaged, at, length, piece(damaged, random));
            default ->
                replaced(
                    damaged, at, 1, new byte[] {(byte) (damaged[at] ^ (1 << random.nextInt(3)))});
          };
    }
    return damaged;
  }

  private static byte[] opcodes(int count, Random random) {
    byte[] some = new byte[count];
    for (int i = 0; i < count; i++) {
      some[i] = OPCODES[random.nextInt(OPCODES.length)];
    }
    return some;
  }

  private static byte[] piece(byte[] of, Random random) {
    int from = random.nextInt(of.length);
    return Arrays.copyOfRange(of, from, Math.min(of.length, from + 1 + random.nextInt(16)));
  }

  private static byte[] replaced(byte[] record, int at, int length, byte[] by) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(record, 0, at);
    out.writeBytes(by);
    int rest = Math.min(record.length, at + length);
    out.write(record, rest, record.length - rest);
    // Never empty, so that more can be done to it.
    return out.size() == 0 ? by.length == 0 ? new byte[1] : by : out.toByteArray();
  }

  /** A record of a bucket; the parts of its state follow the mark of a tuple. */
  private static byte[] bucket(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin1("\u0080\u0003cBTrees.OOBTree\nOOBucket\n."));
    out.writeBytes(latin1("\u0080\u0003"));
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private static byte[] int4(char opcode, int value) {
    return new byte[] {
      (byte) opcode, (byte) value, (byte) (value >> 8), (byte) (value >> 16), (byte) (value >> 24)
    };
  }

  /** It is of no use to refuse what Python would merge. */
  private static void assertNotRefused(Conflict conflict) {
    assertThat(outcome(conflict.resolve())).isNotEqualTo(Outcome.REFUSED);
  }

  /** One key that all have, and one that two have added. */
  private static Conflict adding(byte[] before, byte[] theirs, byte[] mine, byte[] end) {
    byte[] start = latin1("(K\001K\001");
    return new Conflict(
        bucket(before, start, end),
        bucket(before, start, latin1("K\002"), theirs, end),
        bucket(before, start, latin1("K\003"), mine, end));
  }

  @Test
  void aReferenceThatUnfoldsWithoutEndIsUnknown() {
    String bomb = "K\000" + "2\u0086".repeat(60);
    // ['n', (database, oid)] is an object in another database.
    byte[] next =
        latin1(
            "t](X\001\000\000\000n"
                + bomb
                + "C\010\000\000\000\000\000\000\000\001\u0086eQ\u0086.");
    Conflict conflict = adding(new byte[0], latin1("N"), latin1("N"), next);
    assertThat(outcome(conflict.resolve())).isEqualTo(Outcome.UNKNOWN);
  }

  @Test
  void keysThatShareALargePartAreComparedWithinBounds() {
    int keys = 6_000;
    byte[] large = new byte[8 << 20];
    Arrays.fill(large, (byte) 'a');
    byte[][] parts = new byte[keys + 5][];
    parts[0] = int4('X', large.length);
    parts[1] = large;
    parts[2] = latin1("q\0000(");
    for (int i = 0; i < keys; i++) {
      parts[3 + i] = latin1("h\000M" + (char) (i & 0xff) + (char) (i >> 8) + "\u0086N");
    }
    parts[keys + 4] = latin1("t\u0085.");
    Conflict conflict =
        new Conflict(
            bucket(withLast(parts, "")),
            bucket(withLast(parts, "h\000M\377\376\u0086N")),
            bucket(withLast(parts, "h\000M\377\377\u0086N")));
    assertNotRefused(conflict);
  }

  private static byte[][] withLast(byte[][] parts, String item) {
    byte[][] all = parts.clone();
    all[all.length - 2] = latin1(item);
    return all;
  }

  @Test
  void aHugeNumberIsComparedWithManyFloats() {
    byte[] digits = new byte[5 << 20];
    Arrays.fill(digits, (byte) 0x55);
    ByteBuffer floats = ByteBuffer.allocate(1_000 * (2 + Double.BYTES));
    for (int i = 1; i <= 1_000; i++) {
      floats.put((byte) 'G').putDouble(i + 0.5).put((byte) 'N');
    }
    byte[] start = latin1("(G\077\340\000\000\000\000\000\000N");
    byte[] end = latin1("t\u0085.");
    assertNotRefused(
        new Conflict(
            bucket(start, end),
            bucket(start, int4('\u008b', digits.length), digits, latin1("N"), end),
            bucket(start, floats.array(), end)));
  }

  @Test
  void timesInTimeZonesInTimesAreNoStackOverflow() {
    int levels = 100_000;
    String time =
        "cdatetime\ndatetime\nq\0000cdatetime\ntimezone\nq\0010"
            + "C\012\007\352\001\001\000\000\000\000\000\000q\0020";
    String nested = "h\000h\002h\001".repeat(levels) + "N" + "\u0085R\u0086R".repeat(levels);
    byte[] deep = latin1(time + "(" + nested + "q\003Nt\u0085.");
    byte[] more = latin1(time + "(" + nested + "q\003Nh\000h\002\u0085RNt\u0085.");
    Conflict conflict = new Conflict(bucket(deep), bucket(more), bucket(more));
    // Python can't even load it.
    assertThat(outcome(conflict.resolve())).isNotEqualTo(Outcome.RESOLVED);
  }

  @Test
  void whatUnfoldsToAHugeRecordIsUnknownAndTakesNoMemory() throws IOException {
    int size = 200 << 20;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin1(".z"));
    try (DeflaterOutputStream compressed = new DeflaterOutputStream(out)) {
      compressed.write(bucket(latin1("(K\001"), int4('B', size)));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < size; i += zeros.length) {
        compressed.write(zeros);
      }
      compressed.write(latin1("t\u0085."));
    }
    byte[] record = out.toByteArray();
    Conflict conflict = new Conflict(record, record, record);
    new Bounds(size, Duration.ofSeconds(50))
        .check(() -> assertThat(outcome(conflict.resolve())).isEqualTo(Outcome.UNKNOWN));
    new Bounds(size, Duration.ofSeconds(50)).check(() -> ConflictResolver.knows(record));
  }

  @Test
  void namesWithOneHashAreMovedAsOthers() {
    // Two characters each with the same part in a String's hash.
    String[] pairs = {"Aa", "BB", "C#"};
    int names = 500_000;
    StringBuilder globals = new StringBuilder("(");
    for (int i = 0; i < names; i++) {
      globals.append("cm\n");
      for (int k = 0, rest = i; k < 12; k++, rest /= pairs.length) {
        globals.append(pairs[rest % pairs.length]);
      }
      globals.append('\n');
    }
    byte[] value = latin1(globals.append('t').toString());
    assertThat(value.length).isLessThan(ConflictResolver.MAX_RECORD);
    assertNotRefused(adding(new byte[0], latin1("N"), value, latin1("t\u0085.")));
  }
}
