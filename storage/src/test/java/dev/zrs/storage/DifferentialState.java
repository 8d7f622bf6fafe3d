package dev.zrs.storage;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Everything that can be read from our storage, in the words of differential.py. */
final class DifferentialState {
  private static final HexFormat HEX = HexFormat.of();

  /** What undoLog is asked for; a negative last means so many, as ZODB has it. */
  private static final int[][] UNDO_RANGES = {{0, 100}, {1, 3}, {2, -2}, {0, -20}, {3, 3}, {4, 2}};

  private static final byte[] A_USER = "/ us\u00e9r".getBytes(StandardCharsets.UTF_8);

  private final FileStorage storage;
  private final List<String> lines = new ArrayList<>();

  private DifferentialState(FileStorage storage) {
    this.storage = storage;
  }

  /**
   * All lines of it.
   *
   * @param tids transactions to ask for
   * @param ranges START:STOP, ... for the iterator, each a tid or "-"
   */
  static List<String> of(
      FileStorage storage, Path directory, List<Oid> oids, List<Tid> tids, String ranges) {
    DifferentialState state = new DifferentialState(storage);
    state.transactions();
    for (String range : ranges.split(",", -1)) {
      state.lines.add("from " + range + " " + state.tidsOf(range));
    }
    for (Oid oid : oids) {
      state.object(oid, tids);
    }
    state.note("first", () -> state.following(Oid.ROOT));
    state.logs();
    state.lines.addAll(files(directory));
    state.lines.add("file " + digest(read(directory.resolve("Data.fs"))));
    return state.lines;
  }

  static String digest(byte @Nullable [] data) {
    String digest = Dump.digest(data);
    return digest.substring(0, Math.min(12, digest.length()));
  }

  static String digest(List<String> lines) {
    return digest(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
  }

  private void transactions() {
    try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        lines.add(
            "T %s %s %s %s %s"
                .formatted(
                    t.tid(),
                    t.status(),
                    HEX.formatHex(t.metadata().user()),
                    HEX.formatHex(t.metadata().description()),
                    HEX.formatHex(t.metadata().extension())));
        for (DataRecord r = t.nextRecord(); r != null; r = t.nextRecord()) {
          lines.add(
              "R %s %s %s %s"
                  .formatted(
                      r.oid(), r.tid(), digest(r.data()), r.dataTid() == null ? "-" : r.dataTid()));
        }
      }
    }
  }

  private List<Tid> tidsOf(String range) {
    String[] ends = range.split(":", -1);
    Tid start = ends[0].equals("-") ? Tid.NONE : Tid.of(HEX.parseHex(ends[0]));
    Tid stop = ends[1].equals("-") ? Tid.MAX : Tid.of(HEX.parseHex(ends[1]));
    List<Tid> found = new ArrayList<>();
    try (TransactionReader reader = storage.transactions(start, stop)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        found.add(t.tid());
      }
    }
    return found;
  }

  private void object(Oid oid, List<Tid> tids) {
    note("getTid " + oid, () -> storage.currentSerial(oid).toString());
    for (int size : new int[] {0, 1, 2, 50}) {
      note(
          "history %s %d".formatted(oid, size),
          () ->
              storage.history(oid, size).stream()
                  .map(each -> entry(each.tid(), each.size(), each.metadata()))
                  .toList()
                  .toString());
    }
    for (Tid tid : tids) {
      note("before " + oid + tid, () -> before(oid, tid));
      note("serial " + oid + tid, () -> digest(storage.loadSerial(oid, tid)));
    }
    if (exists(oid)) {
      note("next " + oid, () -> following(oid));
    }
  }

  private boolean exists(Oid oid) {
    try {
      return storage.history(oid, 0).isEmpty();
    } catch (NoSuchObjectException e) {
      return false;
    }
  }

  private static String entry(Tid tid, long size, TransactionMetadata metadata) {
    return "%s %d %s %s %s"
        .formatted(
            tid,
            size,
            HEX.toHexDigits(Double.doubleToLongBits(tid.toEpochSeconds())),
            digest(metadata.user()),
            digest(metadata.description()));
  }

  private String before(Oid oid, Tid tid) {
    Revision found = storage.loadBefore(oid, tid);
    return found == null
        ? "None"
        : "%s %s %s"
            .formatted(
                digest(found.data()), found.serial(), found.end() == null ? "None" : found.end());
  }

  private String following(Oid oid) {
    CurrentRecord found = storage.recordFrom(oid);
    return found == null
        ? "None"
        : "%s %s %s %s"
            .formatted(
                found.oid(),
                found.tid(),
                digest(found.data()),
                found.next() == null ? "None" : found.next());
  }

  private void logs() {
    for (int[] range : UNDO_RANGES) {
      int last = range[1] < 0 ? range[0] - range[1] : range[1];
      lines.add(
          "undoLog %d %d %s"
              .formatted(
                  range[0],
                  range[1],
                  storage.undoLog(range[0], last, each -> true).stream()
                      .map(each -> entry(each.tid(), each.length(), each.metadata()))
                      .toList()));
    }
    lines.add(
        "undoLog of users "
            + storage.undoLog(1, 4, each -> each.metadata().user().length > 0).stream()
                .map(UndoableTransaction::tid)
                .toList());
    lines.add(
        "undoInfo of a user "
            + storage.undoLog(0, 3, each -> Arrays.equals(each.metadata().user(), A_USER)).stream()
                .map(UndoableTransaction::tid)
                .toList());
    for (int count : new int[] {1, 3, 100}) {
      lines.add(
          "last %d %s"
              .formatted(
                  count,
                  storage.lastCommits(count).stream()
                      .map(
                          each ->
                              each.tid()
                                  + " "
                                  + each.oids().stream()
                                      .map(Oid::toString)
                                      .collect(Collectors.joining(" ")))
                      .toList()));
    }
    lines.add(
        "last %s %d %d"
            .formatted(storage.lastTransaction(), storage.size(), storage.objectCount()));
  }

  private void note(String what, Supplier<String> call) {
    try {
      lines.add(what + " " + call.get());
    } catch (NoSuchObjectException e) {
      lines.add(what + " POSKeyError");
    }
  }

  /**
   * The files beside Data.fs, but those that only one of the two storages has or writes at other
   * times. Nothing may be left in blobs/tmp.
   */
  static List<String> files(Path directory) {
    TreeMap<String, String> found = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = directory.relativize(file).toString();
        if (!Set.of("Data.fs", "Data.fs.index", "Data.fs.lock", "Data.fs.packtime")
            .contains(name)) {
          found.put(name, "%s %s".formatted(mode(file), digest(read(file))));
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return found.entrySet().stream()
        .map(each -> "file %s %s".formatted(each.getKey(), each.getValue()))
        .toList();
  }

  private static String mode(Path file) throws IOException {
    return file.toString().endsWith(".blob")
        ? PosixFilePermissions.toString(Files.getPosixFilePermissions(file))
        : "-";
  }

  static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
