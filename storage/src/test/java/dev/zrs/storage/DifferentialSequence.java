package dev.zrs.storage;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A random sequence of operations, the same for the same seed. They say nothing of results, so any
 * of them may be left out, but for the first. A line each:
 *
 * <pre>
 * configure LAYOUT QUOTA                   LAYOUT: bushy, lawn or none (no blobs)
 * transaction TID STATUS USER DESCRIPTION EXTENSION END STEP ...
 *                                          END: abort (before the vote), vote (and abort), finish
 *   store,OID,BASE,DATA                    BASE: current, older (serial), stale (unknown), zero
 *   blob,OID,BASE,DATA,CONTENT             blobtwice: the record also comes without the blob
 *   delete,OID,BASE    check,OID,BASE
 *   undo,N             undo,tTID           N: the place in the undo log
 *   restore,OID,DATA,PREVIOUS   restoreBlob,OID,DATA,PREVIOUS,CONTENT
 * pack SECONDS GC KEEP GO_ON               GO_ON: with our packed file or with theirs
 * reopen INDEX                             INDEX: keep, drop, or stale (as it was some time ago)
 * readonly                                 open without writing, look, try to write, close
 * create                                   begin with an empty file
 * </pre>
 *
 * Bytes are hexadecimal digits, "-" for none, or pieces of both kinds: {@code 41+42*3}. DATA may be
 * {@code @TID}: what the object was in that transaction.
 */
final class DifferentialSequence {
  private static final HexFormat HEX = HexFormat.of();
  private static final int OBJECTS = 9;
  private static final int FIRST_BLOB = 7;
  private static final int STEPS = 28;
  private static final long FIRST_TID = 0x03f0_0000_0000_0000L;

  /** Some seconds, so that a pack time in between is the same however it is rounded. */
  private static final long GAP = 0x1000_0000L;

  /** Field lengths at the limits of the format. */
  private static final int[] ODD_LENGTHS = {65_535, 65_536, 65_500};

  /** Pickled dictionaries, of several protocols. */
  private static final List<String> EXTENSIONS =
      List.of(
          "-",
          "80037d71005801000000617101" + "4b01732e",
          "7d2e",
          "80027d7100285801000000787101" + "5d710228" + "4b014b0265" + "58010000007971034e752e",
          "28647030" + "0a" + "2e",
          "80037d2e",
          "80037d7100430461626364710158" + "05000000c3a9e282ac7102732e");

  private final SplittableRandom random;
  private final List<String> operations = new ArrayList<>();
  private final List<Tid> tids = new ArrayList<>();
  private final boolean hasBlobs;

  /** What was stored so far, if all went well. */
  private final Set<Oid> made = new LinkedHashSet<>(List.of(Oid.ROOT));

  private long now = FIRST_TID;

  private DifferentialSequence(long seed) {
    this.random = new SplittableRandom(seed);
    this.hasBlobs = random.nextInt(6) > 0;
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

  /** The bytes that are meant by digits, "-", or pieces. */
  static byte[] bytes(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    if (!text.equals("-")) {
      for (String piece : text.split("\\+", -1)) {
        String[] parts = piece.split("\\*", -1);
        int count = parts.length > 1 ? Integer.parseInt(parts[1]) : 1;
        byte[] each = HEX.parseHex(parts[0]);
        for (int i = 0; i < count; i++) {
          bytes.writeBytes(each);
        }
      }
    }
    return bytes.toByteArray();
  }

  private void make() {
    String layout = random.nextInt(4) == 0 ? "lawn" : "bushy";
    String quota = random.nextInt(8) == 0 ? Integer.toString(random.nextInt(1_000, 8_000)) : "-";
    operations.add("configure %s %s".formatted(hasBlobs ? layout : "none", quota));
    transaction("finish", "store,%s,current,%s".formatted(Oid.ROOT, data()));
    for (int i = 0; i < STEPS; i++) {
      switch (random.nextInt(42)) {
        case 0, 1 -> operations.add("reopen " + oneOf("keep", "drop", "stale"));
        case 2, 3, 4, 5 -> pack();
        case 6 -> operations.add("readonly");
        case 7, 8, 9, 10, 11, 12, 13, 14 -> undo();
        case 15, 16, 17, 18 -> restore();
        case 19 -> operations.add(random.nextInt(4) == 0 ? "create" : "reopen keep");
        default -> change();
      }
    }
    operations.add("reopen drop");
  }

  private String oneOf(String... choices) {
    return choices[random.nextInt(choices.length)];
  }

  private Tid anyTid() {
    return tids.get(random.nextInt(tids.size()));
  }

  private void pack() {
    long around = anyTid().value();
    long offset =
        switch (random.nextInt(8)) {
          case 0 -> 0;
          case 1 -> -1_000_000;
          case 2 -> 40 * GAP;
          default -> GAP / 2;
        };
    operations.add(
        "pack %s %s %s %s"
            .formatted(
                new Tid(around + offset).toEpochSeconds(),
                random.nextInt(4) > 0,
                random.nextBoolean(),
                oneOf("ours", "ours", "theirs")));
  }

  private void undo() {
    List<String> steps = new ArrayList<>();
    int first = random.nextInt(5) == 0 ? random.nextInt(12) : 0;
    for (int n = first; n <= first + random.nextInt(3); n++) {
      steps.add(random.nextInt(8) == 0 ? "undo,t" + anyTid() : "undo," + n);
    }
    if (random.nextInt(5) == 0) {
      steps.add(random.nextInt(steps.size() + 1), random.nextInt(4) == 0 ? delete() : store());
    }
    if (random.nextInt(8) == 0) {
      steps.add(steps.get(random.nextInt(steps.size())));
    }
    transaction(end(), steps);
  }

  private void restore() {
    List<String> steps = new ArrayList<>();
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      Oid oid = oid();
      String previous = random.nextInt(3) > 0 ? anyTid().toString() : "-";
      if (random.nextInt(4) == 0) {
        steps.add("restore,%s,-,-".formatted(oid));
      } else if (isBlob(oid) && hasBlobs) {
        steps.add("restoreBlob,%s,%s,%s,%s".formatted(oid, blobData(), previous, content()));
      } else {
        // The data of the transaction that is named, so that it is right, or of another.
        String data =
            switch (random.nextInt(4)) {
              case 0 -> data();
              case 1 -> "@" + anyTid();
              default -> previous.equals("-") ? data() : "@" + previous;
            };
        steps.add("restore,%s,%s,%s".formatted(plain(), data, previous));
      }
    }
    transaction(end(), steps);
  }

  private void change() {
    List<String> steps = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      steps.add(
          switch (random.nextInt(12)) {
            case 0 -> random.nextBoolean() ? delete() : store();
            case 1 -> "check,%s,%s".formatted(existing(12), base());
            case 2, 3, 4 -> hasBlobs ? blobStep() : store();
            default -> store();
          });
    }
    if (random.nextInt(10) == 0 && steps.getFirst().startsWith("store")) {
      String[] words = steps.getFirst().split(",", -1);
      steps.add("store,%s,%s,%s".formatted(words[1], words[2], data()));
    }
    if (random.nextInt(25) == 0) {
      steps.clear();
    }
    transaction(end(), steps);
  }

  private String delete() {
    return "delete,%s,%s".formatted(existing(12), base());
  }

  private String blobStep() {
    return "%s,%s,%s,%s,%s"
        .formatted(
            random.nextInt(4) == 0 ? "blobtwice" : "blob",
            toStore(blob()),
            base(),
            blobData(),
            content());
  }

  private String store() {
    Oid oid = toStore(random.nextInt(4) == 0 ? Oid.ROOT : plain());
    String data = random.nextInt(8) == 0 && !tids.isEmpty() ? "@" + anyTid() : data();
    return "store,%s,%s,%s".formatted(oid, base(), data);
  }

  private String end() {
    return switch (random.nextInt(14)) {
      case 0 -> "abort";
      case 1 -> "vote";
      default -> "finish";
    };
  }

  private String base() {
    return switch (random.nextInt(24)) {
      case 0 -> "stale";
      case 1 -> "zero";
      case 2 -> "older";
      default -> "current";
    };
  }

  private void transaction(String end, String... steps) {
    transaction(end, List.of(steps));
  }

  private void transaction(String end, List<String> steps) {
    now += random.nextInt(10) == 0 ? 1 : GAP + random.nextInt(1 << 20);
    Tid tid = new Tid(now);
    tids.add(tid);
    List<String> words = new ArrayList<>();
    words.add("transaction");
    words.add(tid.toString());
    words.add(random.nextInt(30) == 0 ? "packed" : "normal");
    words.add(text("2f207573c3a972"));
    // Python's undo log passes over a first transaction of less than 36 bytes.
    words.add(steps.isEmpty() ? "656d707479" : text("00ff0d0a20"));
    words.add(EXTENSIONS.get(random.nextInt(3) == 0 ? random.nextInt(EXTENSIONS.size()) : 0));
    words.add(end);
    words.addAll(steps);
    operations.add(String.join(" ", words));
  }

  private String text(String some) {
    return switch (random.nextInt(100)) {
      case 0 -> "78*" + ODD_LENGTHS[random.nextInt(ODD_LENGTHS.length)];
      case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 -> some + "*" + random.nextInt(1, 60);
      default -> random.nextBoolean() ? some : "-";
    };
  }

  private Oid oid() {
    List<Oid> oids = oids();
    return oids.get(random.nextInt(oids.size()));
  }

  /** One that should be there, but for one time in {@code odds}. */
  private Oid existing(int odds) {
    return random.nextInt(odds) == 0 ? oid() : List.copyOf(made).get(random.nextInt(made.size()));
  }

  private Oid toStore(Oid oid) {
    made.add(oid);
    return oid;
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
    return isBlob(oid) && hasBlobs ? plain() : oid;
  }

  /** A record that refers to some objects in several ways; now and then a large one. */
  private String data() {
    StringBuilder record = new StringBuilder("8003636d0a4b0a2e800328");
    for (int i = random.nextInt(4); i > 0; i--) {
      record.append(reference(existing(25)));
    }
    int filler =
        switch (random.nextInt(80)) {
          case 0 -> random.nextInt(300_000);
          case 1 -> 1 << 16;
          default -> random.nextInt(40);
        };
    record.append("58").append(HEX.toHexDigits(Integer.reverseBytes(filler)));
    record.append(filler == 0 ? "" : "+78*" + filler + "+").append("742e");
    return record.toString();
  }

  /** The opcodes of a persistent reference. */
  private String reference(Oid oid) {
    String binary = "4308" + oid;
    return switch (random.nextInt(8)) {
      case 0 -> binary + "51";
      // Weak, and into another database: these keep nothing.
      case 1 -> "5d28" + "580100000077" + binary + "85" + "6551";
      case 2 -> "5d28" + "58010000006e580100000064" + binary + "86" + "6551";
      default -> binary + "636d0a4b0a86" + "51";
    };
  }

  private static String blobData() {
    return HEX.formatHex(
        "\200\003cZODB.blob\nBlob\nq\0.\200\003N.".getBytes(StandardCharsets.ISO_8859_1));
  }

  private String content() {
    return switch (random.nextInt(20)) {
      case 0 -> "-";
      case 1 -> HEX.toHexDigits(random.nextInt()) + "*" + random.nextInt(1, 60_000);
      default -> HEX.toHexDigits(random.nextInt());
    };
  }
}
