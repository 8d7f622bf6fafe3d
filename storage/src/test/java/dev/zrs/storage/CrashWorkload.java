package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * Everything that changes a storage, one step after the other, so that the same operations reach
 * the disk in the same order each time. The tid of a step depends on its number only.
 */
final class CrashWorkload implements AutoCloseable {
  static final Instant START = Instant.parse("2024-05-06T07:08:09Z");
  private static final int STEP_SECONDS = 10;

  private static final String SYNC = "sync data file";
  private static final String BEHIND = "behind";
  private static final String WITHIN = "within a pack";
  private static final String WITHIN_TOO = "within a pack too";

  static final Oid A = new Oid(1);
  static final Oid B = new Oid(2);
  static final Oid LARGE = new Oid(0x10003);
  static final Oid BLOB = new Oid(4);
  static final Oid SECOND_BLOB = new Oid(5);
  static final Oid GARBAGE = new Oid(6);
  static final Oid GARBAGE_BLOB = new Oid(7);
  static final Oid DELETED = new Oid(8);

  /** One step; what it writes is acknowledged when it returns. */
  record Step(String name, Action action) {}

  /** What a step does. */
  interface Action {
    void run(CrashWorkload on) throws IOException;
  }

  /** One new state of an object, with the content of its blob if it is one. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Put(Oid oid, byte @Nullable [] data, byte @Nullable [] blob) {
    static Put of(Oid oid, int size, Oid... references) {
      return new Put(oid, Pickles.mapping(size, references), null);
    }

    static Put blob(Oid oid, int size) {
      return new Put(oid, Pickles.blob(), Pickles.bytes(size));
    }

    static Put none(Oid oid) {
      return new Put(oid, null, null);
    }
  }

  private static final Oid[] ALL = {A, B, LARGE, BLOB, SECOND_BLOB};
  private static final Put ROOT = Put.of(Oid.ROOT, 10, ALL);

  static final List<Step> STEPS =
      List.of(
          new Step("open", CrashWorkload::open),
          new Step("first", on -> on.commit(ROOT, Put.of(A, 20), Put.of(B, 0))),
          new Step("small", on -> on.commit(Put.of(A, 30))),
          new Step("pages", on -> on.commit(Put.of(A, 9_000), Put.of(B, 5_000))),
          new Step("large", on -> on.commit(Put.of(LARGE, 290_000))),
          new Step("two", on -> on.commit(Put.of(A, 700), Put.of(LARGE, 600))),
          new Step("blob", on -> on.commit(Put.blob(BLOB, 5_000))),
          new Step("blobs", on -> on.commit(Put.blob(BLOB, 70), Put.blob(SECOND_BLOB, 0))),
          new Step("aborted", on -> on.abort(Put.of(A, 3_000), Put.blob(BLOB, 300))),
          new Step("shorter", on -> on.commit(Put.of(A, 50))),
          new Step("batch", on -> on.restore(3)),
          new Step("conflict", CrashWorkload::conflict),
          new Step("second batch", on -> on.restore(2)),
          new Step("group", on -> on.voteBehind(Put.blob(BLOB, 203), Put.of(A, 2_000))),
          new Step("group's second", on -> on.finishBehind(Put.of(A, 2_000))),
          new Step("close", CrashWorkload::close),
          new Step("open again", CrashWorkload::open),
          new Step("changed", on -> on.commit(Put.of(A, 60), Put.blob(BLOB, 80))),
          new Step("undo", on -> on.undo("changed", Put.of(A, 2_000), Put.blob(BLOB, 203))),
          new Step("new", on -> on.commit(Put.of(DELETED, 10), Put.blob(GARBAGE_BLOB, 90))),
          new Step(
              "undo creation", on -> on.undo("new", Put.none(DELETED), Put.none(GARBAGE_BLOB))),
          new Step("new again", on -> on.commit(Put.of(DELETED, 11), Put.blob(GARBAGE_BLOB, 91))),
          new Step("delete", on -> on.delete(DELETED)),
          new Step("garbage", on -> on.commit(Put.of(GARBAGE, 10, GARBAGE_BLOB))),
          new Step("before pack", on -> on.commit(Put.of(B, 300))),
          new Step("pack", on -> on.pack(true)),
          new Step("after pack", on -> on.commit(Put.of(B, 100), Put.blob(BLOB, 81))),
          new Step(
              "undo after pack", on -> on.undo("after pack", Put.of(B, 300), Put.blob(BLOB, 203))),
          new Step("blob again", on -> on.commit(Put.blob(BLOB, 82), Put.of(LARGE, 270_000))),
          new Step("second pack", on -> on.pack(false)),
          new Step("pack in vain", on -> on.pack(true)),
          new Step(
              "after second pack", on -> on.commit(Put.of(B, 4), Put.blob(SECOND_BLOB, 5_001))),
          new Step("third pack", on -> on.pack(true)),
          new Step("old", on -> on.commit(Put.of(A, 61), Put.blob(BLOB, 83), Put.of(B, 301))),
          new Step("older", on -> on.commit(Put.of(A, 62), Put.blob(BLOB, 84), Put.of(B, 302))),
          new Step("undone", on -> on.commit(Put.of(A, 63), Put.blob(BLOB, 85))),
          new Step("busy pack", CrashWorkload::packInUse),
          new Step("close packed", CrashWorkload::close),
          new Step("open packed", CrashWorkload::open),
          new Step("last batch", on -> on.restore(2)),
          new Step("last", on -> on.commit(Put.of(B, 7), Put.blob(BLOB, 5_002))),
          new Step("last close", CrashWorkload::close));

  private final PowerCutDisk disk;
  private final StorageOptions options;
  private final Map<String, Tid> tids = new HashMap<>();
  private int number = -1;
  private @Nullable FileStorage storage;
  private @Nullable VotedTransaction votedBehind;
  private @Nullable StorageException failedBehind;
  private Snapshot snapshot = Snapshot.EMPTY;
  private List<Snapshot.Transaction> expected = List.of();
  private Runnable withinStep = () -> {};

  CrashWorkload(PowerCutDisk disk, Path directory) {
    this.disk = disk;
    this.options = options(directory);
  }

  static StorageOptions options(Path directory) {
    return StorageOptions.of(directory.resolve("Data.fs"))
        .withBlobDirectory(directory.resolve("blobs"));
  }

  /** What the storage held after the last step that was run. */
  Snapshot snapshot() {
    return snapshot;
  }

  /** Has somebody told of what is acknowledged before the end of a step. */
  void setWithinStep(Runnable listener) {
    withinStep = listener;
  }

  @Nullable FileStorage storage() {
    return storage;
  }

  /** Runs the next step, and checks that it did what it should. */
  void runNext() throws IOException {
    number++;
    runAgain();
  }

  /**
   * Runs the next step; reads what it did only if it or a call to the disk failed.
   *
   * @param after what it is known to do
   */
  void runNext(Snapshot after) throws IOException {
    number++;
    expected = List.of();
    boolean failedBefore = disk.failed() != null;
    boolean done = false;
    try {
      STEPS.get(number).action.run(this);
      done = true;
    } finally {
      if (done && (failedBefore || disk.failed() == null)) {
        snapshot = after;
      } else {
        readSnapshot();
      }
    }
  }

  /** Runs the step once more that has failed. */
  void runAgain() throws IOException {
    Step step = STEPS.get(number);
    Snapshot before = snapshot;
    expected = List.of();
    boolean done = false;
    try {
      step.action.run(this);
      done = true;
    } finally {
      readSnapshot();
      if (done && !step.name.endsWith("pack")) {
        assertThat(contents(snapshot))
            .as("after step %s", step.name)
            .isEqualTo(contents(before.plus(expected)));
      }
    }
  }

  private void readSnapshot() throws IOException {
    FileStorage now = storage;
    if (now != null) {
      disk.setCounting(false);
      try {
        snapshot = Snapshot.of(now, disk);
      } finally {
        disk.setCounting(true);
      }
    }
  }

  private static List<Snapshot.Transaction> contents(Snapshot of) {
    return of.transactions().stream()
        .map(
            each ->
                new Snapshot.Transaction(
                    each.tid(),
                    each.status(),
                    each.description(),
                    each.items().stream().map(Snapshot.Item::content).toList()))
        .toList();
  }

  private Instant now() {
    return START.plusSeconds((long) STEP_SECONDS * number);
  }

  private FileStorage opened() {
    FileStorage now = storage;
    if (now == null) {
      throw new StorageException("not open");
    }
    return now;
  }

  private void open() {
    storage = FileStorage.open(options, disk, this::now);
  }

  /** Ends the storage, if it is open. */
  @Override
  public void close() {
    abortBehind();
    FileStorage now = storage;
    storage = null;
    if (now != null) {
      now.close();
    }
  }

  private String name() {
    return STEPS.get(number).name;
  }

  private TransactionMetadata metadata() {
    return metadata(name());
  }

  private static TransactionMetadata metadata(String description) {
    return new TransactionMetadata(Dump.ascii("user"), Dump.ascii(description), Bytes.EMPTY);
  }

  private Tid serial(Oid oid) {
    try {
      return opened().currentSerial(oid);
    } catch (NoSuchObjectException e) {
      List<HistoryEntry> history = historyOf(oid);
      return history.isEmpty() ? Tid.NONE : history.getFirst().tid();
    }
  }

  private List<HistoryEntry> historyOf(Oid oid) {
    try {
      return opened().history(oid, 1);
    } catch (NoSuchObjectException e) {
      return List.of();
    }
  }

  private void expect(Tid tid, String description, Put... puts) {
    List<Snapshot.Item> items =
        Arrays.stream(puts)
            .map(put -> new Snapshot.Item(put.oid, wrap(put.data), null, wrap(put.blob)))
            .toList();
    List<Snapshot.Transaction> all = new ArrayList<>(expected);
    all.add(new Snapshot.Transaction(tid, ' ', ByteBuffer.wrap(Dump.ascii(description)), items));
    expected = all;
  }

  private static @Nullable ByteBuffer wrap(byte @Nullable [] bytes) {
    return bytes == null ? null : ByteBuffer.wrap(bytes);
  }

  private void store(TransactionBuffer buffer, Put put, Tid serial) throws IOException {
    byte[] data = put.data;
    byte[] blob = put.blob;
    if (data == null) {
      throw new IllegalArgumentException("nothing to store");
    }
    if (blob == null) {
      buffer.store(put.oid, serial, data);
    } else {
      buffer.storeBlob(put.oid, serial, data, upload(blob));
    }
  }

  /** What a client has sent: that it can fail is no matter of the storage. */
  private Path upload(byte[] content) throws IOException {
    Path temporary = opened().blobs().orElseThrow().createTemporary();
    disk.setCounting(false);
    try (DiskFile file = disk.open(temporary, Disk.Mode.CREATE, "upload blob")) {
      file.write(ByteBuffer.wrap(content), 0, "upload blob");
    } finally {
      disk.setCounting(true);
    }
    return temporary;
  }

  private VotedTransaction vote(TransactionBuffer buffer) {
    return opened().vote(buffer, opened().commitLock().claim("test"));
  }

  private void commit(Put... puts) throws IOException {
    try (TransactionBuffer buffer = opened().begin(metadata(), null)) {
      for (Put put : puts) {
        store(buffer, put, serial(put.oid));
      }
      finish(buffer, puts);
    }
  }

  private void finish(TransactionBuffer buffer, Put... puts) {
    VotedTransaction voted = vote(buffer);
    voted.finish();
    tids.put(name(), voted.tid());
    expect(voted.tid(), name(), puts);
  }

  private void abort(Put... puts) throws IOException {
    try (TransactionBuffer buffer = opened().begin(metadata(), null)) {
      for (Put put : puts) {
        store(buffer, put, serial(put.oid));
      }
      int before = disk.operations();
      VotedTransaction voted = vote(buffer);
      // The sync that the vote asked for runs by itself; here it comes before the rest.
      disk.awaitOperation(SYNC, before);
      voted.abort();
    }
  }

  /** Commits, and votes another transaction before that commit is durable. */
  private void voteBehind(Put first, Put behind) throws IOException {
    try (TransactionBuffer buffer = opened().begin(metadata(), null)) {
      store(buffer, first, serial(first.oid));
      int before = disk.operations();
      VotedTransaction voted = vote(buffer);
      disk.awaitOperation(SYNC, before);
      disk.hold(SYNC);
      FutureTask<@Nullable Void> finish = new FutureTask<>(() -> finishHeld(voted), null);
      Thread.ofPlatform().start(finish);
      disk.awaitHeld();
      try {
        votedBehind = voteAt(now().plusSeconds(1), behind);
      } catch (StorageException e) {
        failedBehind = e;
      } finally {
        disk.release();
      }
      await(finish);
      expect(voted.tid(), name(), first);
    }
  }

  private void finishHeld(VotedTransaction voted) {
    try {
      voted.finish();
    } finally {
      disk.release();
    }
  }

  private void await(FutureTask<@Nullable Void> finish) {
    try {
      finish.get();
    } catch (ExecutionException e) {
      failedBehind = null;
      abortBehind();
      if (e.getCause() instanceof StorageException reason) {
        throw reason;
      }
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void abortBehind() {
    VotedTransaction voted = votedBehind;
    votedBehind = null;
    if (voted != null) {
      voted.abort();
    }
  }

  /** Commits what {@link #voteBehind} has voted, or anew if that failed. */
  private void finishBehind(Put behind) throws IOException {
    StorageException failure = failedBehind;
    VotedTransaction voted = votedBehind;
    failedBehind = null;
    votedBehind = null;
    if (failure != null) {
      throw failure;
    }
    if (voted == null) {
      voted = voteAt(now().plusSeconds(1 - STEP_SECONDS), behind);
    }
    voted.finish();
    expect(voted.tid(), BEHIND, behind);
  }

  private VotedTransaction voteAt(Instant time, Put put) throws IOException {
    try (TransactionBuffer buffer = opened().begin(metadata(BEHIND), Tid.of(time), ' ', null)) {
      store(buffer, put, serial(put.oid));
      return vote(buffer);
    }
  }

  private void conflict() throws IOException {
    try (TransactionBuffer buffer = opened().begin(metadata(), null)) {
      store(buffer, Put.blob(BLOB, 33), serial(BLOB));
      store(buffer, Put.of(A, 33), serial(A).next());
      vote(buffer).finish();
      throw new AssertionError("there should be a conflict");
    } catch (ConflictException e) {
      assertThat(e.committed()).isEqualTo(serial(A));
    }
  }

  /** Transactions of an upstream, each with a blob. */
  private void restore(int count) throws IOException {
    List<TransactionBuffer> batch = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        Tid tid = Tid.of(now().plusSeconds(i));
        TransactionBuffer buffer = opened().begin(metadata(), tid, ' ', null);
        batch.add(buffer);
        Put object = Put.of(A, 1_000 + i + (count == 2 ? 1 : 0));
        Put blob = Put.blob(BLOB, 201 + i);
        buffer.restore(A, tid, Pickles.mapping(1_000 + i + (count == 2 ? 1 : 0)), null);
        buffer.restoreBlob(BLOB, tid, Pickles.blob(), null, upload(Pickles.bytes(201 + i)));
        expect(tid, name(), object, blob);
      }
      opened().restoreAll(batch);
    } finally {
      batch.forEach(TransactionBuffer::close);
    }
  }

  private void undo(String step, Put... puts) {
    Tid tid = tids.get(step);
    if (tid == null) {
      throw new StorageException("step " + step + " has not been done");
    }
    try (TransactionBuffer buffer = opened().begin(metadata(), null)) {
      buffer.undo(tid);
      finish(buffer, puts);
    }
  }

  private void delete(Oid oid) {
    try (TransactionBuffer buffer = opened().begin(metadata(), null)) {
      buffer.delete(oid, serial(oid));
      finish(buffer, Put.none(oid));
    }
  }

  /**
   * Commits twice while a pack runs: an undo when the copying has begun, and a blob when that undo
   * is copied, so that the last stretch copies the blob.
   */
  private void packInUse() throws IOException {
    long size = opened().size();
    boolean again = tids.containsKey(WITHIN);
    pack(
        true,
        (phase, done, total) -> {
          if (phase != PackProgress.Phase.COPY || tids.containsKey(WITHIN_TOO)) {
            return;
          }
          if (!tids.containsKey(WITHIN)) {
            commitWithin(WITHIN, 1, buffer -> buffer.undo(tids.getOrDefault("undone", Tid.MAX)));
          } else if (again || done > size) {
            commitWithin(WITHIN_TOO, 2, buffer -> store(buffer, Put.blob(BLOB, 86), serial(BLOB)));
          }
        });
  }

  /** What goes into a transaction. */
  private interface Filling {
    void fill(TransactionBuffer buffer) throws IOException;
  }

  private void commitWithin(String description, int seconds, Filling filling) {
    try (TransactionBuffer buffer =
        opened().begin(metadata(description), Tid.of(now().plusSeconds(seconds)), ' ', null)) {
      filling.fill(buffer);
      VotedTransaction voted = vote(buffer);
      voted.finish();
      tids.put(description, voted.tid());
      readSnapshot();
      withinStep.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void pack(boolean keepOld) throws IOException {
    pack(keepOld, PackProgress.NONE);
  }

  private void pack(boolean keepOld, PackProgress progress) throws IOException {
    opened().pack(new PackOptions(Tid.of(now()), true, keepOld, false), progress);
    Snapshot before = snapshot;
    readSnapshot();
    Map<Oid, Snapshot.Item> reachable = new HashMap<>(before.current());
    reachable.keySet().removeAll(List.of(GARBAGE, GARBAGE_BLOB));
    assertThat(snapshot.current()).isEqualTo(reachable);
    assertThat(opened().lastTransaction()).isEqualTo(before.transactions().getLast().tid());
  }
}
