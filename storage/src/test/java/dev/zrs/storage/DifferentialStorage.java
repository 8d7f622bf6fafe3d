package dev.zrs.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Our storage, doing what {@link DifferentialSequence} says, and answering as differential.py. */
final class DifferentialStorage implements AutoCloseable {
  /** What undo does with it shows what an object is made of that never was one. */
  private static final String DEFAULT_RECORD = "8003636d0a4b0a2e80034e2e";

  private static final int SHORTEST_FOUND = 39;

  private final Path directory;
  private @Nullable FileStorage storage;

  DifferentialStorage(Path directory) {
    this.directory = directory;
  }

  Path directory() {
    return directory;
  }

  boolean isOpen() {
    return storage != null;
  }

  FileStorage storage() {
    if (storage == null) {
      throw new AssertionError("the storage is not open");
    }
    return storage;
  }

  /**
   * Opens it.
   *
   * @param how write, readonly or create
   * @param layout none for no blobs
   * @param quota bytes, or "-"
   */
  void open(String how, String layout, String quota) {
    StorageOptions options =
        StorageOptions.of(directory.resolve("Data.fs"))
            .withReadOnly(how.equals("readonly"))
            .withCreate(how.equals("create"))
            .withQuota(quota.equals("-") ? StorageOptions.UNLIMITED : Long.parseLong(quota));
    storage =
        FileStorage.open(
            layout.equals("none") ? options : options.withBlobDirectory(directory.resolve("blobs")),
            new RealDisk(),
            InstantSource.system());
  }

  @Override
  public void close() {
    if (storage != null) {
      storage.close();
      storage = null;
    }
  }

  String newOid() {
    try {
      return storage().newOid().toString();
    } catch (StorageException e) {
      return name(e);
    }
  }

  /** Does {@code transaction TID STATUS USER DESCRIPTION EXTENSION END STEP ...}. */
  String transaction(String line) {
    List<String> words = List.of(line.split(" ", -1));
    List<String> steps = words.subList(7, words.size());
    int unknown = firstUnknownPrevious(steps);
    if (unknown >= 0) {
      // Python's error; but for us a mere hint, so that all would have gone well.
      String before = transaction(words, steps.subList(0, unknown), "vote");
      String step = transaction(words, List.of(steps.get(unknown)), "vote");
      return !before.equals("aborted")
          ? before
          : step.equals("aborted") || step.startsWith("FileStorageError")
              ? "UndoError Invalid transaction id"
              : step;
    }
    if (words.get(6).equals("abort")) {
      // Python finds errors when a step is made, we find them at the vote.
      String verdict = transaction(words, steps, "vote");
      if (verdict.equals("aborted")) {
        transaction(words, steps, "abort");
      }
      return verdict;
    }
    return transaction(words, steps, words.get(6));
  }

  private String transaction(List<String> words, List<String> steps, String end) {
    char status = words.get(2).equals("packed") ? 'p' : ' ';
    try (TransactionBuffer buffer =
        storage()
            .begin(
                new TransactionMetadata(
                    bytes(words.get(3)), bytes(words.get(4)), bytes(words.get(5))),
                tid(words.get(1)),
                status,
                null)) {
      for (String step : steps) {
        step(buffer, List.of(step.split(",", -1)), tid(words.get(1)));
      }
      if (end.equals("abort")) {
        return "aborted";
      }
      VotedTransaction voted = storage().vote(buffer, storage().commitLock().claim("test"));
      if (end.equals("vote")) {
        voted.abort();
        return "aborted";
      }
      voted.finish();
      return "ok "
          + voted.undoneOids().stream()
              .sorted()
              .map(Oid::toString)
              .collect(Collectors.joining(","));
    } catch (StorageException e) {
      return name(e);
    }
  }

  private int firstUnknownPrevious(List<String> steps) {
    for (int i = 0; i < steps.size(); i++) {
      List<String> words = List.of(steps.get(i).split(",", -1));
      if (words.getFirst().startsWith("restore") && !words.get(3).equals("-")) {
        if (!isFoundByPython(tid(words.get(3)))) {
          return i;
        }
      }
    }
    return -1;
  }

  /** Python does not find the first transaction of a file if it is very short. */
  private boolean isFoundByPython(Tid tid) {
    try (TransactionReader reader = storage().transactions(tid, tid)) {
      TransactionRecord found = reader.next();
      return found != null && found.end() > SHORTEST_FOUND;
    }
  }

  private static String name(StorageException e) {
    return switch (e) {
      case NoSuchObjectException missing -> "POSKeyError " + missing.oid();
      case ConflictException conflict ->
          "%s %s %s %s"
              .formatted(
                  conflict.isReadConflict() ? "ReadConflictError" : "ConflictError",
                  conflict.oid(),
                  conflict.committed(),
                  conflict.read());
      case UndoException undo ->
          undo.failures().isEmpty()
              ? "UndoError " + undo.reason()
              : "MultipleUndoErrors "
                  + undo.failures().stream()
                      .map(each -> each.oid() + " " + each.reason())
                      .collect(Collectors.joining(" "));
      case ReadOnlyStorageException readOnly -> "ReadOnlyError";
      case QuotaExceededException quota -> "FileStorageQuotaError";
      default -> {
        if (String.valueOf(e.getMessage()).matches("(user name|description) too long.*")) {
          yield "FileStorageError";
        }
        throw e;
      }
    };
  }

  private void step(TransactionBuffer buffer, List<String> words, Tid tid) {
    if (words.getFirst().equals("undo")) {
      buffer.undo(undone(words.get(1)));
      return;
    }
    Oid oid = Oid.of(bytes(words.get(1)));
    switch (words.getFirst()) {
      case "store" -> buffer.store(oid, base(words.get(2), oid), data(oid, words.get(3)));
      case "blob", "blobtwice" -> {
        Tid base = base(words.get(2), oid);
        if (words.getFirst().equals("blobtwice")) {
          buffer.store(oid, base, data(oid, words.get(3)));
        }
        buffer.storeBlob(oid, base, data(oid, words.get(3)), temporary(words.get(4)));
      }
      case "delete" -> buffer.delete(oid, base(words.get(2), oid));
      case "check" -> buffer.checkCurrent(oid, base(words.get(2), oid));
      case "restore" ->
          buffer.restore(
              oid,
              tid,
              words.get(2).equals("-") ? null : data(oid, words.get(2)),
              words.get(3).equals("-") ? null : tid(words.get(3)));
      case "restoreBlob" ->
          buffer.restoreBlob(
              oid,
              tid,
              data(oid, words.get(2)),
              words.get(3).equals("-") ? null : tid(words.get(3)),
              temporary(words.get(4)));
      default -> throw new AssertionError(words);
    }
  }

  private Tid undone(String which) {
    if (which.startsWith("t")) {
      Tid tid = tid(which.substring(1));
      return isFoundByPython(tid) ? tid : new Tid(9);
    }
    List<UndoableTransaction> log = storage().undoLog(0, 100, each -> true);
    int n = Integer.parseInt(which);
    return n < log.size() ? log.get(n).tid() : new Tid(9);
  }

  private Tid base(String mode, Oid oid) {
    int n =
        switch (mode) {
          case "current" -> 1;
          case "older" -> 2;
          default -> 0;
        };
    if (n > 0) {
      try {
        return storage().history(oid, n).getLast().tid();
      } catch (NoSuchObjectException e) {
        return Tid.NONE;
      }
    }
    return mode.equals("stale") ? new Tid(5) : Tid.NONE;
  }

  private byte[] data(Oid oid, String text) {
    if (!text.startsWith("@")) {
      return bytes(text);
    }
    try {
      return storage().loadSerial(oid, tid(text.substring(1)));
    } catch (NoSuchObjectException e) {
      return bytes(DEFAULT_RECORD);
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

  /** Does {@code pack SECONDS GC KEEP}; says how it went and what is left. */
  String pack(String line) {
    List<String> words = List.of(line.split(" ", -1));
    Tid time = PackOptions.tidOf(Double.parseDouble(words.get(1)));
    boolean collectGarbage = words.get(2).equals("true");
    boolean keepOld = words.get(3).equals("true");
    String result = "ok";
    try {
      boolean alsoOfPartialCopies = true;
      storage()
          .pack(
              new PackOptions(time, collectGarbage, keepOld, alsoOfPartialCopies),
              PackProgress.NONE);
    } catch (NoSuchObjectException e) {
      return "KeyError";
    }
    StringBuilder text = new StringBuilder(result).append(' ');
    try (TransactionReader reader = storage().transactions(Tid.NONE, Tid.MAX)) {
      for (TransactionRecord t = reader.next(); t != null; t = reader.next()) {
        for (DataRecord r = t.nextRecord(); r != null; r = t.nextRecord()) {
          text.append(r.oid()).append(':').append(r.tid()).append(':');
          text.append(DifferentialState.digest(r.data())).append(' ');
        }
      }
    }
    return text.toString().stripTrailing();
  }

  private static byte[] bytes(String text) {
    return DifferentialSequence.bytes(text);
  }

  private static Tid tid(String hex) {
    return Tid.of(bytes(hex));
  }
}
