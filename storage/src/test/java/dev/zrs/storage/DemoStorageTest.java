package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
final class DemoStorageTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);
  private static final Oid BLOB = new Oid(3);
  private static final Oid NEW = new Oid(1L << 40);

  @TempDir private Path directory = Path.of("unset");
  private final List<AutoCloseable> opened = new ArrayList<>();
  private Tid first = Tid.NONE;
  private Tid second = Tid.NONE;
  private Tid ofB = Tid.NONE;
  private Tid ofBlob = Tid.NONE;

  private StorageOptions options(String name) {
    return StorageOptions.of(directory.resolve(name + ".fs"))
        .withBlobDirectory(directory.resolve(name + "-blobs"));
  }

  @BeforeEach
  void makeBase() throws IOException {
    // Its clock is ahead, so that what is later is so not by the clock alone.
    InstantSource ahead = InstantSource.fixed(Instant.now().plusSeconds(3600));
    try (FileStorage base = FileStorage.open(options("base"), new RealDisk(), ahead)) {
      first = commit(base, A, Tid.NONE, "one");
      second = commit(base, A, first, "two");
      ofB = commit(base, B, Tid.NONE, "of the base");
      ofBlob = commitBlob(base, Tid.NONE, "content");
    }
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
    opened.clear();
  }

  private DemoStorage open() {
    FileStorage base =
        FileStorage.open(
            options("base").withReadOnly(true), new RealDisk(), InstantSource.system());
    opened.add(base);
    DemoStorage storage =
        DemoStorage.open(
            "demo", base, options("changes"), true, new RealDisk(), InstantSource.system());
    opened.add(storage);
    return storage;
  }

  private static TransactionBuffer begin(Storage storage) {
    return storage.begin(TransactionMetadata.EMPTY, null, ' ', null);
  }

  private static Vote vote(Storage storage, TransactionBuffer buffer) {
    return storage.tryVote(buffer, storage.commitLock().claim("test"));
  }

  private static Tid finish(Storage storage, TransactionBuffer buffer) {
    VotedTransaction voted = (VotedTransaction) vote(storage, buffer);
    voted.finish();
    return voted.tid();
  }

  private static Tid commit(Storage storage, Oid oid, Tid serial, String data) {
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(oid, serial, Dump.ascii(data));
      return finish(storage, buffer);
    }
  }

  private static Tid commitBlob(Storage storage, Tid serial, String content) throws IOException {
    Path temporary = storage.blobs().orElseThrow().createTemporary();
    Files.writeString(temporary, content);
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.storeBlob(BLOB, serial, Pickles.blob(), temporary);
      return finish(storage, buffer);
    }
  }

  private static Tid undo(Storage storage, Tid tid) {
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.undo(tid);
      return finish(storage, buffer);
    }
  }

  private static String describe(@Nullable Revision revision) {
    return revision == null
        ? "none"
        : "%s %s %s"
            .formatted(
                new String(revision.data(), StandardCharsets.US_ASCII),
                revision.serial(),
                revision.end());
  }

  private static String content(Storage storage, Tid serial) throws IOException {
    return Files.readString(storage.blobFile(BLOB, serial).orElseThrow());
  }

  @Test
  void an_unchanged_storage_shows_its_base() throws IOException {
    DemoStorage storage = open();
    assertThat(storage.lastTransaction()).isEqualTo(ofBlob);
    assertThat(storage.feed().follow(commit -> {})).isEqualTo(ofBlob);
    assertThat(describe(storage.loadBefore(A, Tid.MAX))).isEqualTo("two " + second + " null");
    assertThat(describe(storage.loadBefore(A, second))).isEqualTo("one " + first + " " + second);
    assertThat(storage.loadBefore(A, first)).isNull();
    assertThat(storage.loadSerial(A, first)).isEqualTo(Dump.ascii("one"));
    assertThat(storage.currentSerial(B)).isEqualTo(ofB);
    assertThat(content(storage, ofBlob)).isEqualTo("content");
    assertThat(storage.history(A, 9)).extracting(HistoryEntry::tid).containsExactly(second, first);
    assertThat(storage.history(A, 1)).extracting(HistoryEntry::tid).containsExactly(second);
    assertThat(storage.undoLog(0, 20, any -> true)).isEmpty();
    assertThat(storage.objectCount()).isZero();
    assertThat(storage.lastCommits(2)).extracting(Commit::tid).containsExactly(ofB, ofBlob);
    assertThat(storage.ancestry(second, () -> true)).isEqualTo(Ancestry.KNOWN);
    assertThat(storage.ancestry(ofBlob.next(), () -> true)).isEqualTo(Ancestry.AHEAD);
    assertThatThrownBy(() -> storage.loadBefore(NEW, Tid.MAX))
        .isInstanceOf(NoSuchObjectException.class);
    assertThatThrownBy(() -> storage.history(NEW, 1)).isInstanceOf(NoSuchObjectException.class);
  }

  @Test
  void changes_are_seen_before_what_the_base_has_also_after_a_restart() throws Exception {
    byte[] untouched = Files.readAllBytes(directory.resolve("base.fs"));
    DemoStorage storage = open();
    Tid third = commit(storage, A, second, "three");
    assertThat(third).isGreaterThan(ofBlob);
    Tid fourth = commit(storage, A, third, "four");
    Tid created = commit(storage, NEW, Tid.NONE, "new");
    Tid changedBlob = commitBlob(storage, ofBlob, "changed");
    for (int i = 0; i < 2; i++) {
      assertThat(describe(storage.loadBefore(A, Tid.MAX))).isEqualTo("four " + fourth + " null");
      assertThat(describe(storage.loadBefore(A, fourth)))
          .isEqualTo("three " + third + " " + fourth);
      assertThat(describe(storage.loadBefore(A, third))).isEqualTo("two " + second + " " + third);
      assertThat(describe(storage.loadBefore(A, second))).isEqualTo("one " + first + " " + second);
      assertThat(storage.loadBefore(A, first)).isNull();
      assertThat(storage.loadBefore(NEW, created)).isNull();
      assertThat(describe(storage.loadBefore(B, Tid.MAX)))
          .isEqualTo("of the base " + ofB + " null");
      assertThat(storage.loadSerial(A, first)).isEqualTo(Dump.ascii("one"));
      assertThat(storage.loadSerial(A, third)).isEqualTo(Dump.ascii("three"));
      assertThat(storage.currentSerial(A)).isEqualTo(fourth);
      assertThat(storage.history(A, 9))
          .extracting(HistoryEntry::tid)
          .containsExactly(fourth, third, second, first);
      assertThat(storage.history(A, 3))
          .extracting(HistoryEntry::tid)
          .containsExactly(fourth, third, second);
      assertThat(content(storage, ofBlob)).isEqualTo("content");
      assertThat(content(storage, changedBlob)).isEqualTo("changed");
      assertThat(storage.lastTransaction()).isEqualTo(changedBlob);
      assertThat(storage.objectCount()).isEqualTo(3);
      assertThat(storage.lastCommits(5))
          .extracting(Commit::tid)
          .containsExactly(ofBlob, third, fourth, created, changedBlob);
      assertThat(storage.changedAfter(second, created, 100, () -> true).orElseThrow())
          .containsExactlyInAnyOrder(A, B, BLOB, NEW);
      assertThat(storage.ancestry(first, () -> true)).isEqualTo(Ancestry.KNOWN);
      assertThat(storage.ancestry(fourth, () -> true)).isEqualTo(Ancestry.KNOWN);
      close();
      storage = open();
    }
    assertThat(Files.readAllBytes(directory.resolve("base.fs"))).isEqualTo(untouched);
  }

  @Test
  void iteration_gives_the_base_and_then_the_changes() {
    DemoStorage storage = open();
    Tid third = commit(storage, A, second, "three");
    assertThat(tids(storage, Tid.NONE, Tid.MAX)).containsExactly(first, second, ofB, ofBlob, third);
    assertThat(tids(storage, ofBlob, Tid.MAX)).containsExactly(ofBlob, third);
    assertThat(tids(storage, third, Tid.MAX)).containsExactly(third);
    assertThat(tids(storage, Tid.NONE, second)).containsExactly(first, second);
  }

  private static List<Tid> tids(Storage storage, Tid start, Tid stop) {
    List<Tid> tids = new ArrayList<>();
    try (Transactions transactions = storage.transactions(start, stop)) {
      TransactionRecord transaction = transactions.next();
      while (transaction != null) {
        tids.add(transaction.tid());
        try (RecordReader records = transactions.records()) {
          assertThat(Objects.requireNonNull(records.next()).tid()).isEqualTo(transaction.tid());
        }
        transaction = transactions.next();
      }
    }
    return tids;
  }

  @Test
  void a_change_of_an_old_state_of_the_base_is_a_conflict_that_can_be_resolved() {
    DemoStorage storage = open();
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(A, first, Dump.ascii("mine"));
      CommitLock.Claim claim = storage.commitLock().claim("test");
      UnresolvedConflicts found = (UnresolvedConflicts) storage.tryVote(buffer, claim);
      assertThat(found.conflicts())
          .singleElement()
          .satisfies(
              conflict -> {
                assertThat(conflict.committed()).isEqualTo(second);
                assertThat(conflict.read()).isEqualTo(first);
              });
      buffer.resolve(A, second, Dump.ascii("both"));
      VotedTransaction voted = (VotedTransaction) storage.tryVote(buffer, claim);
      voted.finish();
      assertThat(describe(storage.loadBefore(A, Tid.MAX)))
          .isEqualTo("both " + voted.tid() + " null");
    }
  }

  @Test
  void what_was_read_of_the_base_must_be_current() {
    DemoStorage storage = open();
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.checkCurrent(B, ofB);
      buffer.store(NEW, Tid.NONE, Dump.ascii("new"));
      finish(storage, buffer);
    }
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.checkCurrent(A, first);
      assertThatThrownBy(() -> vote(storage, buffer)).isInstanceOf(ConflictException.class);
    }
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.checkCurrent(new Oid(77), first);
      assertThatThrownBy(() -> vote(storage, buffer)).isInstanceOf(NoSuchObjectException.class);
    }
    assertThat(storage.commitLock().holder()).isEmpty();
  }

  @Test
  void undo_of_a_first_change_gives_back_what_the_base_has() throws IOException {
    DemoStorage storage = open();
    Tid third = commit(storage, A, second, "three");
    Tid undone = undo(storage, third);
    assertThat(describe(storage.loadBefore(A, Tid.MAX))).isEqualTo("two " + undone + " null");
    assertThat(describe(storage.loadBefore(A, undone))).isEqualTo("three " + third + " " + undone);
    // It can be changed again, and the undo itself be taken back.
    Tid again = undo(storage, undone);
    assertThat(describe(storage.loadBefore(A, Tid.MAX))).isEqualTo("three " + again + " null");
    commit(storage, A, again, "five");

    Tid changed = commitBlob(storage, ofBlob, "changed");
    Tid back = undo(storage, changed);
    assertThat(content(storage, back)).isEqualTo("content");
    assertThat(storage.currentSerial(BLOB)).isEqualTo(back);

    Tid created = commit(storage, NEW, Tid.NONE, "new");
    undo(storage, created);
    assertThatThrownBy(() -> storage.currentSerial(NEW)).isInstanceOf(NoSuchObjectException.class);
    assertThatThrownBy(() -> undo(storage, ofB)).isInstanceOf(UndoException.class);
  }

  @Test
  void an_object_whose_creation_is_undone_in_the_changes_is_as_in_the_base() throws Exception {
    Tid third = commit(open(), A, second, "three");
    close();
    // As Python's undo leaves it.
    Tid undone;
    try (FileStorage changes =
            FileStorage.open(options("changes"), new RealDisk(), InstantSource.system());
        TransactionBuffer buffer = begin(changes)) {
      buffer.delete(A, third);
      undone = finish(changes, buffer);
    }
    DemoStorage storage = open();
    assertThat(describe(storage.loadBefore(A, Tid.MAX))).isEqualTo("two " + second + " null");
    assertThat(describe(storage.loadBefore(A, undone))).isEqualTo("three " + third + " " + undone);
    assertThat(storage.currentSerial(A)).isEqualTo(second);
    Tid fifth = commit(storage, A, second, "five");
    Tid back = undo(storage, fifth);
    assertThat(describe(storage.loadBefore(A, Tid.MAX))).isEqualTo("two " + back + " null");
    assertThat(storage.currentSerial(A)).isEqualTo(back);
  }

  @Test
  void an_undo_that_lacks_the_blob_of_the_base_leaves_nothing() throws IOException {
    DemoStorage storage = open();
    Tid changed = commitBlob(storage, ofBlob, "changed");
    Files.delete(storage.blobFile(BLOB, ofBlob).orElseThrow());
    assertThatThrownBy(() -> undo(storage, changed))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("is missing in the base");
    assertThat(storage.commitLock().holder()).isEmpty();
    assertThat(storage.currentSerial(BLOB)).isEqualTo(changed);
  }

  @Test
  void objects_are_not_deleted_and_none_restored() {
    DemoStorage storage = open();
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.delete(B, ofB);
      assertThatThrownBy(() -> vote(storage, buffer))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("can't be deleted");
    }
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.restore(B, ofBlob.next(), null, null);
      assertThatThrownBy(() -> vote(storage, buffer))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("can't be restored");
    }
    assertThat(storage.currentSerial(B)).isEqualTo(ofB);
    assertThat(storage.commitLock().holder()).isEmpty();
  }

  @Test
  void new_oids_are_of_neither() {
    DemoStorage storage = open();
    Oid oid = storage.newOid();
    assertThat(storage.newOid().value()).isEqualTo(oid.value() + 1);
    commit(storage, new Oid(oid.value() + 2), Tid.NONE, "taken by somebody");
    assertThat(storage.newOid().value()).isNotEqualTo(oid.value() + 2).isPositive();
    assertThat(storage.knows(oid)).isFalse();
  }

  @Test
  void a_pack_is_of_the_changes_and_keeps_what_only_the_base_refers_to() {
    DemoStorage storage = open();
    Tid third = commit(storage, A, second, "three");
    Tid fourth = commit(storage, A, third, "four");
    Tid created = commit(storage, NEW, Tid.NONE, "new");
    storage.pack(created);
    assertThat(storage.currentSerial(A)).isEqualTo(fourth);
    assertThat(storage.currentSerial(NEW)).isEqualTo(created);
    assertThatThrownBy(() -> storage.loadSerial(A, third))
        .isInstanceOf(NoSuchObjectException.class);
    assertThat(storage.loadSerial(A, first)).isEqualTo(Dump.ascii("one"));
  }

  @Test
  void changes_can_be_the_base_of_others_and_be_in_memory() {
    DemoStorage below = open();
    Tid third = commit(below, A, second, "three");
    DemoStorage storage =
        DemoStorage.open(
            "above",
            below,
            StorageOptions.of(Path.of("memory")),
            false,
            new MemoryDisk(1 << 20),
            InstantSource.system());
    opened.add(storage);
    assertThat(storage.blobs()).isEmpty();
    Tid fourth = commit(storage, A, third, "four");
    assertThat(describe(storage.loadBefore(A, Tid.MAX))).isEqualTo("four " + fourth + " null");
    assertThat(describe(storage.loadBefore(A, fourth))).isEqualTo("three " + third + " " + fourth);
    assertThat(describe(storage.loadBefore(A, third))).isEqualTo("two " + second + " " + third);
    assertThat(describe(storage.loadBefore(B, Tid.MAX))).isEqualTo("of the base " + ofB + " null");
    assertThat(describe(below.loadBefore(A, Tid.MAX))).isEqualTo("three " + third + " null");
    assertThat(storage.supportsUndo()).isFalse();
  }
}
