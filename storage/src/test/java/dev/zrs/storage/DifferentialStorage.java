package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Our storage, doing what it is told in the words of differential.py, and answering in them. */
final class DifferentialStorage implements AutoCloseable {
  private static final HexFormat HEX = HexFormat.of();
  private final Path directory;
  private @Nullable FileStorage storage;

  DifferentialStorage(Path directory) {
    this.directory = directory;
  }

  Path directory() {
    return directory;
  }

  private FileStorage storage() {
    if (storage == null) {
      throw new AssertionError("the storage is not open");
    }
    return storage;
  }

  String execute(String line) {
    List<String> words = List.of(line.split(" ", -1));
    List<String> arguments = words.subList(1, words.size());
    return switch (words.getFirst()) {
      case "open" -> open(arguments.get(1).equals("true"));
      case "close" -> closed();
      case "transaction" -> transaction(arguments);
      case "pack" -> pack(tid(arguments.get(0)), arguments.get(1).equals("true"), arguments.get(2));
      case "state" -> state(arguments.get(0), arguments.get(1), arguments.get(2));
      default -> throw new AssertionError(line);
    };
  }

  private String open(boolean readOnly) {
    storage =
        FileStorage.open(
            StorageOptions.of(directory.resolve("Data.fs"))
                .withBlobDirectory(directory.resolve("blobs"))
                .withReadOnly(readOnly),
            new RealDisk(),
            InstantSource.system());
    return "ok";
  }

  private String closed() {
    storage().close();
    return "ok";
  }

  @Override
  public void close() {
    if (storage != null) {
      storage.close();
    }
  }

  private String transaction(List<String> words) {
    TransactionMetadata metadata =
        new TransactionMetadata(bytes(words.get(2)), bytes(words.get(3)), bytes(words.get(4)));
    char status = words.get(1).equals("packed") ? 'p' : ' ';
    try (TransactionBuffer buffer = storage().begin(metadata, tid(words.get(0)), status, null)) {
      for (String step : words.subList(6, words.size())) {
        if (namesUnknownPrevious(step)) {
          return "UndoError";
        }
        step(buffer, List.of(step.split(",", -1)));
      }
      if (words.get(5).equals("abort")) {
        return verdictOnly(buffer);
      }
      VotedTransaction voted = storage().vote(buffer, storage().commitLock().claim("test"));
      if (words.get(5).equals("finish")) {
        voted.finish();
        return "ok";
      }
      voted.abort();
      return "aborted";
    } catch (StorageException e) {
      return name(e);
    }
  }

  /** An error of Python's FileStorage; for us it is a hint, and ignored, as ZODB documents it. */
  private boolean namesUnknownPrevious(String step) {
    List<String> words = List.of(step.split(",", -1));
    if (!words.getFirst().equals("restore") || words.get(4).equals("-")) {
      return false;
    }
    Tid previous = tid(words.get(4));
    return tidsBetween(previous, previous).isEmpty();
  }

  /** Python finds errors when a step is made, we find them at the vote. */
  private String verdictOnly(TransactionBuffer buffer) {
    storage().vote(buffer, storage().commitLock().claim("test")).abort();
    return "aborted";
  }

  private static String name(StorageException e) {
    return switch (e) {
      case NoSuchObjectException missing -> "POSKeyError";
      case ConflictException conflict ->
          conflict.isReadConflict() ? "ReadConflictError" : "ConflictError";
      case UndoException undo -> undo.failures().isEmpty() ? "UndoError" : "MultipleUndoErrors";
      case ReadOnlyStorageException readOnly -> "ReadOnlyError";
      default -> throw e;
    };
  }

  private void step(TransactionBuffer buffer, List<String> words) {
    if (words.getFirst().equals("undo")) {
      List<UndoableTransaction> log = storage().undoLog(0, 100, each -> true);
      int n = Integer.parseInt(words.get(1));
      buffer.undo(n < log.size() ? log.get(n).tid() : new Tid(9));
      return;
    }
    Oid oid = Oid.of(bytes(words.get(1)));
    switch (words.getFirst()) {
      case "store" -> buffer.store(oid, serial(words.get(2), oid), bytes(words.get(3)));
      case "blob" ->
          buffer.storeBlob(
              oid, serial(words.get(2), oid), bytes(words.get(3)), temporary(words.get(4)));
      case "delete" -> buffer.delete(oid, serial(words.get(2), oid));
      case "check" -> buffer.checkCurrent(oid, serial(words.get(2), oid));
      case "restore" ->
          buffer.restore(
              oid,
              tid(words.get(2)),
              words.get(3).equals("-") ? null : bytes(words.get(3)),
              words.get(4).equals("-") ? null : tid(words.get(4)));
      case "restoreBlob" ->
          buffer.restoreBlob(
              oid,
              tid(words.get(2)),
              bytes(words.get(3)),
              words.get(4).equals("-") ? null : tid(words.get(4)),
              temporary(words.get(5)));
      default -> throw new AssertionError(words);
    }
  }

  private Path temporary(String content) {
    Path path = storage().blobs().orElseThrow().createTemporary();
    try {
      Files.write(path, bytes(content));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return path;
  }

  private Tid serial(String mode, Oid oid) {
    if (mode.equals("stale")) {
      return new Tid(5);
    }
    if (mode.equals("current")) {
      try {
        return storage().history(oid, 1).getFirst().tid();
      } catch (NoSuchObjectException e) {
        return Tid.NONE;
      }
    }
    return Tid.NONE;
  }

  private String pack(Tid time, boolean collectGarbage, String keep) {
    PackOptions options =
        new PackOptions(
            PackOptions.tidOf(time.toEpochSeconds()), collectGarbage, keep.equals("true"), false);
    String result = "ok";
    try {
      storage().pack(options, PackProgress.NONE);
    } catch (NoSuchObjectException e) {
      result = "KeyError";
    }
    StringBuilder text = new StringBuilder(result);
    try (TransactionReader reader = storage().transactions(Tid.NONE, Tid.MAX)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        for (DataRecord r = t.nextRecord(); r != null; r = t.nextRecord()) {
          text.append(' ').append(r.oid()).append(':').append(r.tid());
          text.append(':').append(digest(r.data()));
        }
      }
    }
    return text.toString();
  }

  private String state(String form, String oidList, String tidList) {
    List<String> lines = new ArrayList<>();
    List<Tid> tids = Arrays.stream(tidList.split(",", -1)).map(DifferentialStorage::tid).toList();
    try (TransactionReader reader = storage().transactionsAfter(Tid.NONE)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        lines.add(
            "T %s %s %s %s %s"
                .formatted(
                    t.tid(),
                    t.status(),
                    hex(t.metadata().user()),
                    hex(t.metadata().description()),
                    hex(t.metadata().extension())));
        for (DataRecord r = t.nextRecord(); r != null; r = t.nextRecord()) {
          lines.add(
              "R %s %s %s %s"
                  .formatted(
                      r.oid(), r.tid(), digest(r.data()), r.dataTid() == null ? "-" : r.dataTid()));
        }
      }
    }
    for (int part : new int[] {1, 2}) {
      Tid start = tids.get(tids.size() * part / 4);
      Tid stop = tids.get(Math.floorMod(tids.size() * (part + 2) / 4 - 1, tids.size()));
      lines.add("from " + tidsBetween(start, stop));
    }
    for (String each : oidList.split(",", -1)) {
      stateOf(Oid.of(bytes(each)), tids, lines);
    }
    for (long[] range : new long[][] {{0, 100}, {1, 3}, {2, 4}}) {
      lines.add(
          "undoLog "
              + storage().undoLog(range[0], range[1], t -> true).stream()
                  .map(t -> t.tid() + " " + t.length() + " " + hex(t.metadata().user()))
                  .toList());
    }
    if (storage().objectCount() > 0) {
      note(lines, "walk", this::walk);
    }
    lines.add(
        "last %s %d %d"
            .formatted(storage().lastTransaction(), storage().size(), storage().objectCount()));
    lines.addAll(blobs());
    lines.add("file " + digest(read(directory.resolve("Data.fs"))));
    String text = String.join("\n", lines).replace("'", "");
    return form.equals("digest")
        ? digest(text.getBytes(java.nio.charset.StandardCharsets.UTF_8))
        : text.replace('\n', '\t');
  }

  private List<Tid> tidsBetween(Tid start, Tid stop) {
    List<Tid> found = new ArrayList<>();
    try (TransactionReader reader = storage().transactions(start, stop)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        found.add(t.tid());
      }
    }
    return found;
  }

  private void stateOf(Oid oid, List<Tid> tids, List<String> lines) {
    note(lines, "getTid " + oid, () -> storage().currentSerial(oid).toString());
    for (int size : new int[] {1, 50}) {
      note(
          lines,
          "history " + oid,
          () ->
              storage().history(oid, size).stream()
                  .map(entry -> entry.tid() + " " + entry.size())
                  .toList()
                  .toString());
    }
    for (Tid tid : tids) {
      note(
          lines,
          "before " + oid + tid,
          () -> {
            Revision found = storage().loadBefore(oid, tid);
            return found == null
                ? "None"
                : digest(found.data())
                    + " "
                    + found.serial()
                    + " "
                    + (found.end() == null ? "None" : found.end());
          });
      note(lines, "serial " + oid + tid, () -> digest(storage().loadSerial(oid, tid)));
    }
  }

  private String walk() {
    List<String> found = new ArrayList<>();
    Oid next = Oid.ROOT;
    while (next != null) {
      CurrentRecord record = storage().recordFrom(next);
      if (record == null) {
        break;
      }
      found.add(record.oid() + " " + record.tid() + " " + digest(record.data()));
      next = record.next();
    }
    return found.toString();
  }

  private static void note(List<String> lines, String what, Supplier<String> call) {
    try {
      lines.add(what + " " + call.get());
    } catch (NoSuchObjectException e) {
      lines.add(what + " POSKeyError");
    }
  }

  private List<String> blobs() {
    BlobDirectory blobs = storage().blobs().orElseThrow();
    TreeSet<String> lines = new TreeSet<>();
    try (TransactionReader reader = storage().transactions(Tid.NONE, Tid.MAX)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        for (DataRecord r = t.nextRecord(); r != null; r = t.nextRecord()) {
          Path file = blobs.file(r.oid(), r.tid());
          if (Files.exists(file)) {
            lines.add("blob /" + directory.relativize(file) + " " + digest(read(file)));
          }
        }
      }
    }
    try (Stream<Path> files = Files.walk(directory.resolve("blobs"))) {
      files
          .filter(file -> file.toString().endsWith(".blob"))
          .map(file -> "blob /" + directory.relativize(file) + " " + digest(read(file)))
          .filter(line -> !lines.contains(line))
          .toList()
          .forEach(line -> lines.add("of no transaction: " + line));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return List.copyOf(lines);
  }

  static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] bytes(String hex) {
    return hex.equals("-") ? new byte[0] : HEX.parseHex(hex);
  }

  private static String hex(byte[] bytes) {
    return HEX.formatHex(bytes);
  }

  private static Tid tid(String hex) {
    return Tid.of(HEX.parseHex(hex));
  }

  private static String digest(byte @Nullable [] data) {
    String digest = Dump.digest(data);
    return digest.length() > 12 ? digest.substring(0, 12) : digest;
  }
}
