package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.pickle.PickleLimits;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyPersistent;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.RecordForm;
import dev.zrs.pickle.Unpickler;
import dev.zrs.resolution.ConflictResolver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Changes and undos that are merged with a later change: what the vote and the file have. */
@Timeout(120)
final class MergingTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);
  private static final Oid C = new Oid(3);
  private static final PyGlobal LENGTH = new PyGlobal("BTrees.Length", "Length");
  private static final PyGlobal TREE = new PyGlobal("BTrees.OOBTree", "OOBTree");
  private static final PyGlobal BUCKET = new PyGlobal("BTrees.OOBTree", "OOBucket");
  private static final String MODIFIED = "Some data were modified by a later transaction";

  @TempDir private Path directory = Path.of("unset");
  private final List<AutoCloseable> opened = new ArrayList<>();

  private static byte[] record(PyGlobal type, Object state) {
    return PickleWriter.memoized(3).write(type).write(state).toByteArray();
  }

  private static byte[] length(long number) {
    return record(LENGTH, number);
  }

  /** Small enough to have its only bucket in its own record. */
  private static byte[] tree(Object... items) {
    PyTuple bucket = PyTuple.of((Object) PyTuple.of(items));
    return record(TREE, PyTuple.of((Object) PyTuple.of((Object) bucket)));
  }

  /** One that another follows. */
  private static byte[] bucket(Object... items) {
    PyPersistent next = new PyPersistent(PyTuple.of(C.toBytes(), BUCKET));
    return record(BUCKET, PyTuple.of(PyTuple.of(items), next));
  }

  /** Only the application knows the class. */
  private static byte[] unknown(long number) {
    return record(new PyGlobal("application", "Counter"), number);
  }

  /** The class and the state. */
  private static String text(byte[] any) {
    byte[] record = RecordForm.plain(any);
    Unpickler in = new Unpickler(record, 0, record.length, PickleLimits.DEFAULT);
    return in.load() + " " + show(in.load());
  }

  private static String show(Object value) {
    return switch (value) {
      case PyTuple tuple -> tuple.items().stream().map(MergingTest::show).toList().toString();
      case PyPersistent reference -> "reference " + show(reference.id());
      case byte[] bytes -> bytes.length == Long.BYTES ? Oid.of(bytes).toString() : "bytes";
      default -> value.toString();
    };
  }

  private StorageOptions options(String name) {
    return StorageOptions.of(directory.resolve(name + ".fs"))
        .withBlobDirectory(directory.resolve(name + "-blobs"))
        .withPack(false, false);
  }

  private FileStorage open(Disk disk) {
    FileStorage storage = FileStorage.open(options("Data"), disk, InstantSource.system());
    opened.add(storage);
    return storage;
  }

  private FileStorage open() {
    return open(new RealDisk());
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private static TransactionBuffer begin(Storage storage) {
    return storage.begin(TransactionMetadata.EMPTY, null, ' ', null);
  }

  private static VotedTransaction vote(Storage storage, TransactionBuffer buffer) {
    return (VotedTransaction) storage.tryVote(buffer, storage.commitLock().claim("test"));
  }

  private static Tid finish(VotedTransaction voted) {
    voted.finish();
    return voted.tid();
  }

  private static Tid commit(Storage storage, Oid oid, Tid serial, byte[] data) {
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(oid, serial, data);
      return finish(vote(storage, buffer));
    }
  }

  private static Tid undo(Storage storage, Tid tid) {
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.undo(tid);
      VotedTransaction voted = vote(storage, buffer);
      assertThat(voted.undoneOids()).containsExactly(A);
      assertThat(voted.mergedOids()).isEmpty();
      return finish(voted);
    }
  }

  private static byte[] current(Storage storage, Oid oid) {
    return Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX)).data();
  }

  /** Nothing is left of the transaction that failed. */
  private static void assertUntouched(Storage storage, Tid last) {
    assertThat(storage.commitLock().holder()).isEmpty();
    assertThat(storage.lastTransaction()).isEqualTo(last);
  }

  @Test
  void the_vote_writes_both_changes_as_one_record_and_tells_the_oid() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, tree("a", 1L));
    Tid second = commit(storage, A, first, tree("a", 1L, "b", 2L));
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(B, Tid.NONE, length(1));
      buffer.store(A, first, tree("a", 3L, "c", 4L));
      VotedTransaction voted = vote(storage, buffer);
      assertThat(voted.mergedOids()).containsExactly(A);
      assertThat(voted.undoneOids()).isEmpty();
      Tid third = finish(voted);
      assertThat(storage.loadSerial(A, third)).isEqualTo(tree("a", 3L, "b", 2L, "c", 4L));
      assertThat(storage.history(A, 9))
          .extracting(HistoryEntry::tid)
          .containsExactly(third, second, first);
    }
  }

  @Test
  void a_merged_record_has_the_form_of_the_change() {
    FileStorage storage = open();
    String text = "long".repeat(50);
    Tid first = commit(storage, A, Tid.NONE, RecordForm.compressed(tree("a", text)));
    commit(storage, A, first, tree("a", text, "b", text));
    commit(storage, A, first, RecordForm.compressed(tree("a", text, "c", text)));
    assertThat(current(storage, A)).startsWith('.', 'z');
    assertThat(text(current(storage, A))).isEqualTo(text(tree("a", text, "b", text, "c", text)));
  }

  @Test
  void what_the_class_itself_refuses_fails_for_good() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, tree("a", 1L));
    Tid second = commit(storage, A, first, tree("a", 2L));
    assertConflict(storage, first, second, tree("a", 3L));
  }

  private static void assertConflict(Storage storage, Tid read, Tid committed, byte[] data) {
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(A, read, data);
      assertThatThrownBy(() -> vote(storage, buffer))
          .isInstanceOfSatisfying(
              ConflictException.class,
              conflict -> {
                assertThat(conflict.committed()).isEqualTo(committed);
                assertThat(conflict.read()).isEqualTo(read);
                assertThat(conflict.data()).isEqualTo(data);
              });
    }
    assertUntouched(storage, committed);
  }

  @Test
  void without_the_state_that_both_started_from_nothing_is_merged() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, length(1));
    Tid second = commit(storage, A, first, length(2));
    assertConflict(storage, Tid.NONE, second, length(7));
    storage.pack(second);
    assertConflict(storage, first, second, length(7));
    Tid third = commit(storage, A, second, length(3));
    assertThat(commit(storage, A, second, length(12))).isGreaterThan(third);
    assertThat(text(current(storage, A))).endsWith("Length 13");
  }

  @Test
  void with_a_deletion_nothing_is_merged() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, length(1));
    Tid second = commit(storage, A, first, length(2));
    Tid deleted;
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.delete(A, second);
      deleted = finish(vote(storage, buffer));
    }
    assertConflict(storage, second, deleted, length(7));
  }

  @Test
  void with_an_undone_creation_nothing_is_merged() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, length(1));
    assertConflict(storage, first, undo(storage, first), length(7));
  }

  @Test
  void an_undo_is_a_change_to_be_merged_with() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, length(1));
    Tid second = commit(storage, A, first, length(100));
    Tid undone = undo(storage, second);
    // What points back to the first state is read as it.
    commit(storage, A, second, length(107));
    assertThat(text(current(storage, A))).endsWith("Length 8");
    commit(storage, A, undone, length(21));
    assertThat(text(current(storage, A))).endsWith("Length 28");
  }

  @Test
  void what_is_merged_beside_what_the_client_resolves_stays_merged() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, length(1));
    Tid ofB = commit(storage, B, Tid.NONE, unknown(1));
    Tid ofC = commit(storage, C, Tid.NONE, length(1));
    commit(storage, A, first, length(11));
    Tid newB = commit(storage, B, ofB, unknown(11));
    Tid newC = commit(storage, C, ofC, length(11));
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(A, first, length(101));
      buffer.store(B, ofB, unknown(101));
      buffer.undo(newC);
      CommitLock.Claim claim = storage.commitLock().claim("test");
      UnresolvedConflicts found = (UnresolvedConflicts) storage.tryVote(buffer, claim);
      assertThat(found.conflicts()).extracting(ConflictException::oid).containsExactly(B);
      assertUntouchedButLocked(storage, newC);
      buffer.resolve(B, newB, unknown(111));
      VotedTransaction voted = (VotedTransaction) storage.tryVote(buffer, claim);
      assertThat(voted.mergedOids()).containsExactly(A);
      assertThat(voted.undoneOids()).containsExactly(C);
      Tid last = finish(voted);
      assertThat(text(storage.loadSerial(A, last))).endsWith("Length 111");
      assertThat(storage.loadSerial(B, last)).isEqualTo(unknown(111));
      assertThat(text(storage.loadSerial(C, last))).endsWith("Length 1");
    }
  }

  private static void assertUntouchedButLocked(Storage storage, Tid last) {
    assertThat(storage.commitLock().holder()).isPresent();
    assertThat(storage.lastTransaction()).isEqualTo(last);
  }

  @Test
  void what_is_merged_in_one_transaction_is_bounded() {
    FileStorage storage = open();
    // Two of them are enough.
    byte[] large = new byte[TransactionBuffer.MEMORY_LIMIT / 2];
    List<Oid> oids = List.of(A, B, C);
    List<Tid> first = new ArrayList<>();
    Tid last = Tid.NONE;
    for (Oid oid : oids) {
      first.add(commit(storage, oid, Tid.NONE, tree("a", 1L)));
      last = commit(storage, oid, first.getLast(), tree("a", 1L, "b", large));
    }
    try (TransactionBuffer buffer = begin(storage)) {
      for (int i = 0; i < oids.size(); i++) {
        buffer.store(oids.get(i), first.get(i), tree("a", 1L, "c", 3L));
      }
      CommitLock.Claim claim = storage.commitLock().claim("test");
      UnresolvedConflicts found = (UnresolvedConflicts) storage.tryVote(buffer, claim);
      assertThat(found.conflicts()).extracting(ConflictException::oid).containsExactly(C);
      buffer.resolve(C, last, tree("a", 1L, "by the client", 3L));
      VotedTransaction voted = (VotedTransaction) storage.tryVote(buffer, claim);
      assertThat(voted.mergedOids()).containsExactly(A, B);
      voted.finish();
    }
    assertThat(text(current(storage, B))).isEqualTo(text(tree("a", 1L, "b", large, "c", 3L)));
    assertThat(current(storage, C)).isEqualTo(tree("a", 1L, "by the client", 3L));
  }

  @Test
  void records_that_are_too_large_to_be_merged_are_for_the_client() {
    FileStorage storage = open();
    byte[] large = new byte[ConflictResolver.MAX_RECORD];
    Tid first = commit(storage, A, Tid.NONE, tree("a", 1L, "large", large));
    Tid second = commit(storage, A, first, tree("a", 1L));
    assertForTheClient(storage, first, tree("a", 1L, "c", 3L));
    // So large that the client does not get it back either.
    Tid third = commit(storage, A, second, tree("a", 1L, "b", 2L));
    assertConflict(storage, second, third, tree("a", 1L, "large", large));
  }

  private static void assertForTheClient(Storage storage, Tid read, byte[] data) {
    Tid last = storage.lastTransaction();
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(A, read, data);
      CommitLock.Claim claim = storage.commitLock().claim("test");
      UnresolvedConflicts found = (UnresolvedConflicts) storage.tryVote(buffer, claim);
      assertThat(found.conflicts())
          .singleElement()
          .satisfies(
              conflict -> {
                assertThat(conflict.oid()).isEqualTo(A);
                assertThat(conflict.committed()).isEqualTo(last);
                assertThat(conflict.data()).isEqualTo(data);
              });
      assertUntouchedButLocked(storage, last);
      claim.release();
    }
  }

  @Test
  void a_change_is_merged_with_one_that_no_reader_sees_yet() throws Exception {
    FaultyDisk disk = new FaultyDisk(new RealDisk());
    FileStorage storage = open(disk);
    CountDownLatch goOn = new CountDownLatch(1);
    Tid first = commit(storage, A, Tid.NONE, length(1));
    try (ExecutorService other = Executors.newSingleThreadExecutor();
        TransactionBuffer winner = begin(storage);
        TransactionBuffer buffer = begin(storage)) {
      winner.store(A, first, length(11));
      VotedTransaction pending = vote(storage, winner);
      disk.beforeNext(
          "write transaction status",
          () -> disk.beforeNext("sync data file", () -> awaitQuietly(goOn)));
      Future<?> finishing = other.submit(pending::finish);
      try {
        buffer.store(A, first, length(101));
        VotedTransaction voted = vote(storage, buffer);
        assertThat(voted.mergedOids()).containsExactly(A);
        assertThat(storage.lastTransaction()).isEqualTo(first);
        assertThat(current(storage, A)).isEqualTo(length(1));
        goOn.countDown();
        voted.finish();
      } finally {
        goOn.countDown();
      }
      finishing.get(60, TimeUnit.SECONDS);
    }
    assertThat(current(storage, A)).isEqualTo(length(111));
    assertThat(storage.history(A, 9)).hasSize(3);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void who_leaves_conflicts_gets_them_but_an_undo_is_merged_all_the_same() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, length(1));
    Tid second = commit(storage, A, first, length(11));
    Tid third = commit(storage, A, second, length(111));
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.leaveConflicts();
      buffer.store(A, first, length(7));
      CommitLock.Claim claim = storage.commitLock().claim("test");
      UnresolvedConflicts found = (UnresolvedConflicts) storage.tryVote(buffer, claim);
      assertThat(found.lastCommitted()).isEqualTo(third);
      claim.release();
    }
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.leaveConflicts();
      buffer.undo(second);
      finish(vote(storage, buffer));
    }
    assertThat(text(current(storage, A))).endsWith("Length 101");
  }

  @Test
  void the_states_of_a_base_are_merged_too() {
    Tid first;
    Tid second;
    try (FileStorage below =
        FileStorage.open(options("base"), new RealDisk(), InstantSource.system())) {
      first = commit(below, A, Tid.NONE, length(1));
      second = commit(below, A, first, length(11));
    }
    FileStorage base =
        FileStorage.open(
            options("base").withReadOnly(true), new RealDisk(), InstantSource.system());
    opened.add(base);
    DemoStorage storage =
        DemoStorage.open(
            "demo", base, options("changes"), true, new RealDisk(), InstantSource.system());
    opened.add(storage);
    // Both states are the base's.
    Tid third = commit(storage, A, first, length(101));
    assertThat(current(storage, A)).isEqualTo(length(111));
    // One is, and then none.
    Tid fourth = commit(storage, A, second, length(1011));
    assertThat(current(storage, A)).isEqualTo(length(1111));
    commit(storage, A, third, length(10_111));
    assertThat(current(storage, A)).isEqualTo(length(11_111));
    assertThat(storage.currentSerial(A)).isGreaterThan(fourth);
    assertThat(base.lastTransaction()).isEqualTo(second);
  }

  @Test
  void an_undo_beneath_a_later_change_is_merged() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, bucket("a", 1L, "d", 4L));
    Tid second = commit(storage, A, first, bucket("a", 1L, "b", 2L, "d", 5L));
    commit(storage, A, second, bucket("a", 1L, "b", 2L, "c", 3L, "d", 5L));
    Tid undone = undo(storage, second);
    assertThat(text(storage.loadSerial(A, undone)))
        .isEqualTo(text(bucket("a", 1L, "c", 3L, "d", 4L)));
    // And what the undo took away comes back.
    undo(storage, undone);
    assertThat(text(current(storage, A)))
        .isEqualTo(text(bucket("a", 1L, "b", 2L, "c", 3L, "d", 5L)));
  }

  @Test
  void an_undo_that_the_later_change_contradicts_is_refused() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, bucket("a", 1L));
    Tid second = commit(storage, A, first, bucket("a", 2L));
    assertUndoRefused(storage, second, commit(storage, A, second, bucket("a", 3L)));
  }

  @Test
  void an_undo_beneath_a_later_change_of_an_unknown_class_is_refused() {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, unknown(1));
    Tid second = commit(storage, A, first, unknown(2));
    assertUndoRefused(storage, second, commit(storage, A, second, unknown(3)));
  }

  private static void assertUndoRefused(Storage storage, Tid tid, Tid last) {
    byte[] before = current(storage, A);
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.undo(tid);
      assertThatThrownBy(() -> vote(storage, buffer))
          .isInstanceOfSatisfying(
              UndoException.class,
              e ->
                  assertThat(e.failures()).containsExactly(new UndoException.Failure(A, MODIFIED)));
    }
    assertUntouched(storage, last);
    assertThat(current(storage, A)).isEqualTo(before);
  }

  @Test
  void blobs_are_committed_with_what_is_merged() throws IOException {
    FileStorage storage = open();
    Tid first = commit(storage, A, Tid.NONE, length(1));
    commit(storage, A, first, length(11));
    Tid last;
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(A, first, length(101));
      buffer.storeBlob(B, Tid.NONE, Pickles.blob(), temporary(storage, "content"));
      VotedTransaction voted = vote(storage, buffer);
      assertThat(voted.mergedOids()).containsExactly(A);
      last = finish(voted);
    }
    assertThat(storage.loadSerial(A, last)).isEqualTo(length(111));
    assertThat(Files.readString(storage.blobFile(B, last).orElseThrow())).isEqualTo("content");
    // Blobs themselves are never merged.
    commitBlob(storage, last, "by another");
    Path mine = temporary(storage, "mine");
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.storeBlob(B, last, Pickles.blob(), mine);
      CommitLock.Claim claim = storage.commitLock().claim("test");
      UnresolvedConflicts found = (UnresolvedConflicts) storage.tryVote(buffer, claim);
      assertThat(found.conflicts()).extracting(ConflictException::oid).containsExactly(B);
      claim.release();
      assertThat(mine).exists();
    }
    assertThat(mine).doesNotExist();
  }

  private static Path temporary(FileStorage storage, String content) throws IOException {
    return Files.writeString(storage.blobs().orElseThrow().createTemporary(), content);
  }

  private static void commitBlob(FileStorage storage, Tid serial, String content)
      throws IOException {
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.storeBlob(B, serial, Pickles.blob(), temporary(storage, content));
      finish(vote(storage, buffer));
    }
  }
}
