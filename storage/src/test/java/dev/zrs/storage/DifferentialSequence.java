package dev.zrs.storage;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A random sequence of operations, the same for the same seed, in the words of differential.py.
 * They say nothing of results, so any of them may be left out.
 */
final class DifferentialSequence {
  private static final HexFormat HEX = HexFormat.of();
  private static final int OBJECTS = 9;
  private static final int FIRST_BLOB = 7;
  private static final int STEPS = 26;
  private static final long FIRST_TID = 0x03f0_0000_0000_0000L;

  /** Some seconds, so that a pack time in between is the same however it is rounded. */
  private static final long GAP = 0x1000_0000L;

  private final SplittableRandom random;
  private final List<String> operations = new ArrayList<>();
  private final List<Tid> tids = new ArrayList<>();
  private long now = FIRST_TID;

  private DifferentialSequence(long seed) {
    this.random = new SplittableRandom(seed);
  }

  /** Every object that the operations can touch. */
  static List<Oid> oids() {
    List<Oid> oids = new ArrayList<>();
    for (int i = 0; i < OBJECTS; i++) {
      oids.add(new Oid(i));
    }
    oids.add(new Oid(70_000));
    oids.add(new Oid(0x7fff_0000_0000_0001L));
    return oids;
  }

  static List<String> of(long seed) {
    DifferentialSequence sequence = new DifferentialSequence(seed);
    sequence.make();
    return sequence.operations;
  }

  private void make() {
    transaction("finish", "store,%s,current,%s".formatted(hex(Oid.ROOT), data()));
    for (int i = 0; i < STEPS; i++) {
      switch (random.nextInt(20)) {
        case 0 -> operations.add("reopen " + random.nextBoolean());
        case 1, 2 -> pack();
        case 3 -> operations.add("readonly");
        case 4, 5, 6 -> undo();
        case 7 -> restore();
        default -> change();
      }
    }
    operations.add("reopen false");
  }

  private void pack() {
    Tid around = tids.get(random.nextInt(tids.size()));
    operations.add(
        "pack %s %s %s"
            .formatted(
                new Tid(around.value() + GAP / 2), random.nextInt(4) > 0, random.nextBoolean()));
  }

  private void undo() {
    List<String> steps = new ArrayList<>();
    int first = random.nextInt(5) == 0 ? random.nextInt(12) : 0;
    for (int n = first; n <= first + random.nextInt(3); n++) {
      steps.add("undo," + n);
    }
    if (random.nextInt(5) == 0) {
      steps.add(random.nextInt(steps.size() + 1), store());
    }
    transaction(end(), steps.toArray(String[]::new));
  }

  private void restore() {
    List<String> steps = new ArrayList<>();
    Tid tid = new Tid(now + GAP);
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      Oid oid = oid();
      // An unknown one is an error of Python's, and no hint for us.
      String previous =
          random.nextInt(3) == 0 ? tids.get(random.nextInt(tids.size())).toString() : "-";
      switch (random.nextInt(4)) {
        case 0 -> steps.add("restore,%s,%s,-,-".formatted(hex(oid), tid));
        case 1 ->
            steps.add("restoreBlob,%s,%s,%s,-,%s".formatted(hex(oid), tid, blobData(), content()));
        default -> steps.add("restore,%s,%s,%s,%s".formatted(hex(plain()), tid, data(), previous));
      }
    }
    transaction(end(), steps.toArray(String[]::new));
  }

  private void change() {
    List<String> steps = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      steps.add(
          switch (random.nextInt(12)) {
            case 0 -> "delete,%s,%s".formatted(hex(oid()), mode());
            case 1 -> "check,%s,%s".formatted(hex(oid()), mode());
            case 2, 3 -> "blob,%s,%s,%s,%s".formatted(hex(blob()), mode(), blobData(), content());
            default -> store();
          });
    }
    if (random.nextInt(25) == 0) {
      steps.clear();
    }
    transaction(end(), steps.toArray(String[]::new));
  }

  private String store() {
    Oid oid = random.nextInt(4) == 0 ? Oid.ROOT : plain();
    return "store,%s,%s,%s".formatted(hex(oid), mode(), data());
  }

  private String end() {
    return switch (random.nextInt(14)) {
      case 0 -> "abort";
      case 1 -> "vote";
      default -> "finish";
    };
  }

  private String mode() {
    return switch (random.nextInt(16)) {
      case 0 -> "stale";
      case 1 -> "zero";
      default -> "current";
    };
  }

  private void transaction(String end, String... steps) {
    now += GAP;
    Tid tid = new Tid(now);
    tids.add(tid);
    operations.add(
        "transaction %s %s %s %s %s %s"
                .formatted(
                    tid,
                    random.nextInt(30) == 0 ? "packed" : "normal",
                    random.nextBoolean() ? "2f207573c3a972" : "-",
                    random.nextBoolean() ? hex(new byte[random.nextInt(1, 300)]) : "-",
                    random.nextInt(3) == 0 ? hex(latin1("\200\003}q\0X\1\0\0\0aq\1K\1s.")) : "-",
                    end)
            + (steps.length == 0 ? "" : " " + String.join(" ", steps)));
  }

  private Oid oid() {
    List<Oid> oids = oids();
    return oids.get(random.nextInt(oids.size()));
  }

  /** The last ones are blobs, for an object never changes its class. */
  private static boolean isBlob(Oid oid) {
    return oids().indexOf(oid) >= FIRST_BLOB;
  }

  private Oid blob() {
    Oid oid = oid();
    return isBlob(oid) ? oid : blob();
  }

  private Oid plain() {
    Oid oid = oid();
    return isBlob(oid) ? plain() : oid;
  }

  /** A record that refers to some objects; now and then a large one. */
  private String data() {
    Oid[] references = new Oid[random.nextInt(4)];
    for (int i = 0; i < references.length; i++) {
      references[i] = oid();
    }
    int filler = random.nextInt(60) == 0 ? random.nextInt(60_000) : random.nextInt(40);
    return hex(PackTest.record(filler, references));
  }

  private static String blobData() {
    return hex(latin1("\200\003cZODB.blob\nBlob\nq\0.\200\003N."));
  }

  private String content() {
    byte[] content = new byte[random.nextInt(1, 30)];
    random.nextBytes(content);
    return hex(content);
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String hex(Oid oid) {
    return oid.toString();
  }

  private static String hex(byte[] bytes) {
    return HEX.formatHex(bytes);
  }
}
