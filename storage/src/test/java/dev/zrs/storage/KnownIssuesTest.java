package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What struck users of Python's FileStorage, by the number of the issue or pull request of
 * zopefoundation/ZODB. Those that concern more than the storage are in
 * interop/test_known_issues.py.
 */
@Timeout(60)
final class KnownIssuesTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);
  private static final Oid C = new Oid(3);

  @TempDir private Path directory = Path.of("unset");

  private FileStorage open(String name) {
    return FileStorage.open(
        StorageOptions.of(directory.resolve(name)), new RealDisk(), InstantSource.system());
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A commit of these states. */
  private static Tid store(FileStorage storage, Map<Oid, byte[]> changes) {
    return finish(
        storage,
        buffer -> changes.forEach((oid, data) -> buffer.store(oid, serial(storage, oid), data)));
  }

  private static Tid store(FileStorage storage, Oid oid, String data) {
    return store(storage, Map.of(oid, Dump.ascii(data)));
  }

  private static Tid undo(FileStorage storage, Tid... tids) {
    return finish(storage, buffer -> List.of(tids).forEach(buffer::undo));
  }

  private interface Steps {
    void add(TransactionBuffer buffer);
  }

  private static Tid finish(FileStorage storage, Steps steps) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      steps.add(buffer);
      VotedTransaction voted = vote(storage, buffer);
      voted.finish();
      return voted.tid();
    }
  }

  private static VotedTransaction vote(FileStorage storage, TransactionBuffer buffer) {
    return storage.vote(buffer, storage.commitLock().claim("test"));
  }

  private static Tid serial(FileStorage storage, Oid oid) {
    try {
      return storage.currentSerial(oid);
    } catch (NoSuchObjectException e) {
      return Tid.NONE;
    }
  }

  private static String current(FileStorage storage, Oid oid) {
    byte[] data = Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX)).data();
    return new String(data, StandardCharsets.ISO_8859_1);
  }

  /** A transaction with one record, as a copy of another storage brings it. */
  private static Tid restore(FileStorage storage, Oid oid, String data, @Nullable Tid dataTid) {
    Tid tid = storage.lastTransaction().next();
    try (TransactionBuffer buffer =
        storage.begin(TransactionMetadata.EMPTY, tid, TransactionHeader.STATUS_NORMAL, null)) {
      buffer.restore(oid, tid, Dump.ascii(data), dataTid);
      vote(storage, buffer).finish();
    }
    return tid;
  }

  /** What iteration gives of the last transaction's first record. */
  private static DataRecord last(FileStorage storage) {
    try (TransactionReader reader =
        storage.transactionsAfter(storage.lastTransaction().previous())) {
      return Objects.requireNonNull(Objects.requireNonNull(reader.next()).nextRecord());
    }
  }

  private static void copy(FileStorage from, FileStorage to) {
    try (TransactionReader reader = from.transactionsAfter(Tid.NONE)) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        try (TransactionBuffer buffer =
            to.begin(transaction.metadata(), transaction.tid(), transaction.status(), null)) {
          DataRecord record = transaction.nextRecord();
          while (record != null) {
            buffer.restore(record.oid(), record.tid(), record.data(), record.dataTid());
            record = transaction.nextRecord();
          }
          vote(to, buffer).finish();
        }
        transaction = reader.next();
      }
    }
  }

  /**
   * PR 52: a reader that ran while a transaction was appended had a part of it in its buffer; when
   * that was aborted and another one came to its place, reads mixed the two.
   */
  @Test
  void zodb_52_a_read_beside_an_aborted_transaction_leaves_nothing_behind() {
    try (FileStorage storage = open("Data.fs")) {
      store(storage, A, "first");
      for (int length = 1; length < 3000; length = length * 2 + 1) {
        String wrong = "x".repeat(length);
        String right = "y".repeat(length);
        try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
          buffer.store(B, serial(storage, B), Dump.ascii(wrong));
          VotedTransaction voted = vote(storage, buffer);
          assertThat(current(storage, A)).isEqualTo("first");
          voted.abort();
        }
        Tid tid = store(storage, B, right);
        assertThat(current(storage, B)).isEqualTo(right);
        assertThat(storage.loadSerial(B, tid)).isEqualTo(Dump.ascii(right));
        assertThat(current(storage, A)).isEqualTo("first");
      }
    }
  }

  /**
   * Issue 202: where a record of pickle protocol 2 has an oid that is made by a call (of
   * _codecs.encode, as Python 3 writes bytes there), pack saw None, and an assertion ended it.
   */
  @Test
  void zodb_202_an_oid_that_a_call_makes_is_a_reference_for_pack() {
    String oid = new String(B.toBytes(), StandardCharsets.ISO_8859_1);
    byte[] referring =
        latin1(
            "\200\2cm\nK\n.\200\2}U\5entry(c_codecs\nencode\n(X\10\0\0\0"
                + oid
                + "U\6latin1tRcm\nK\ntQs.");
    try (FileStorage storage = open("Data.fs")) {
      store(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, referring, B, PackTest.record(2)));
      store(storage, Map.of(C, PackTest.record(3)));
      store(storage, Map.of(Oid.ROOT, PackTest.record(4, A)));
      PackReport report = storage.pack(storage.lastTransaction());
      assertThat(report.unreadableCount()).isZero();
      assertThat(report.garbage()).isEqualTo(1);
      assertThat(storage.currentSerial(B)).isNotNull();
    }
  }

  /**
   * Issue 202 as its reporter saw it: an oid that really is None stops no pack and loses nothing.
   */
  @Test
  void zodb_202_an_oid_that_is_none_does_not_stop_a_pack() {
    byte[] referring = latin1("\200\2cm\nK\n.\200\2}U\5entry(Ncm\nK\ntQs.");
    try (FileStorage storage = open("Data.fs")) {
      store(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, referring, B, PackTest.record(2)));
      store(storage, Map.of(Oid.ROOT, PackTest.record(3, A)));
      PackReport report = storage.pack(storage.lastTransaction());
      assertThat(report.packed()).isTrue();
      assertThat(report.unreadable()).singleElement().extracting("oid").isEqualTo(A);
      assertThat(report.garbageKept()).isTrue();
      assertThat(storage.currentSerial(B)).isNotNull();
    }
  }

  /**
   * Issue 271: the unpickler that pack uses (noload) lost values of some kinds, and pack ended with
   * "odd number of items for SETITEMS".
   */
  @Test
  void zodb_271_a_dict_with_values_of_all_kinds_can_be_packed() {
    String reference = "C\10" + new String(B.toBytes(), StandardCharsets.ISO_8859_1) + "Q";
    String instance = "cm\nK\n)\201"; // NEWOBJ
    String called = "cm\nf\n(K\1tR"; // REDUCE
    String built = "cm\nK\n)\201}U\1aK\1sb"; // BUILD
    String old = "(cm\nK\no"; // OBJ
    String oldest = "(K\1im\nK\n"; // INST
    String list = "](" + instance + called + "e"; // APPENDS
    StringBuilder state = new StringBuilder("}(");
    for (String value :
        List.of(instance, called, built, old, oldest, list, "cm\nK\n", "N", "(t", reference)) {
      state.append(instance).append(value);
      state.append("U\1k").append(value);
    }
    byte[] referring = latin1("\200\3cm\nK\n.\200\3" + state + "u.");
    try (FileStorage storage = open("Data.fs")) {
      store(storage, Map.of(Oid.ROOT, PackTest.record(1, A), A, referring, B, PackTest.record(2)));
      store(storage, Map.of(C, PackTest.record(3)));
      store(storage, Map.of(Oid.ROOT, PackTest.record(4, A)));
      PackReport report = storage.pack(storage.lastTransaction());
      assertThat(report.unreadableCount()).isZero();
      assertThat(report.garbage()).isEqualTo(1);
      assertThat(storage.currentSerial(B)).isNotNull();
    }
  }

  /**
   * PR 395: a transaction that undid two others has two records of an object; restore of a later
   * undo, which points to the second, pointed to the first and brought back the wrong state.
   */
  @Test
  void zodb_395_a_copy_of_an_undo_of_several_transactions_has_the_right_state() throws IOException {
    try (FileStorage storage = open("Data.fs");
        FileStorage copy = open("Copy.fs")) {
      store(storage, A, "state 0");
      Tid first = store(storage, A, "state 1");
      Tid second = store(storage, A, "state 2");
      Tid undone = undo(storage, second, first);
      assertThat(current(storage, A)).isEqualTo("state 0");
      Tid third = store(storage, A, "state 3");
      undo(storage, third);
      assertThat(current(storage, A)).isEqualTo("state 0");
      assertThat(last(storage).dataTid()).isEqualTo(undone);

      copy(storage, copy);
      assertThat(current(copy, A)).isEqualTo("state 0");
      assertThat(Dump.of(copy)).isEqualTo(Dump.of(storage));
      assertThat(Files.readAllBytes(directory.resolve("Copy.fs")))
          .isEqualTo(Files.readAllBytes(directory.resolve("Data.fs")));
    }
  }

  /**
   * PR 397: restore with a transaction that does not have the object read on behind that
   * transaction, and could point to a record of another one.
   */
  @Test
  void zodb_397_a_copy_that_names_a_wrong_transaction_keeps_its_own_data() {
    List<Tid> wrong = new ArrayList<>();
    try (FileStorage storage = open("Data.fs")) {
      store(storage, A, "of A");
      wrong.add(store(storage, B, "of B"));
      wrong.add(store(storage, A, "other data of A"));
      wrong.add(store(storage, B, "of B again"));
      store(storage, A, "last of A");
      for (Tid tid : wrong) {
        restore(storage, A, "of A", tid);
        assertThat(current(storage, A)).isEqualTo("of A");
        assertThat(last(storage).dataTid()).isNull();
      }
    }
    try (FileStorage storage = open("Data.fs")) {
      assertThat(current(storage, A)).isEqualTo("of A");
      assertThat(current(storage, B)).isEqualTo("of B again");
    }
  }

  /**
   * PR 409: after the repair of 395, restore never pointed back: an undo was a copy of the data.
   */
  @Test
  void zodb_409_a_copy_of_an_undo_points_back() throws IOException {
    try (FileStorage storage = open("Data.fs");
        FileStorage copy = open("Copy.fs")) {
      Tid first = store(storage, A, "state 1");
      Tid second = store(storage, A, "state 2 ".repeat(1000));
      undo(storage, second);
      copy(storage, copy);
      assertThat(last(copy).dataTid()).isEqualTo(first);
      assertThat(last(copy).data()).isEqualTo(Dump.ascii("state 1"));
      assertThat(Files.readAllBytes(directory.resolve("Copy.fs")))
          .isEqualTo(Files.readAllBytes(directory.resolve("Data.fs")));
    }
  }
}
