package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.zrs.pickle.PyNone;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.testkit.Logged;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a secondary does with a stream that goes wrong after a right transaction, with pickles that
 * are made to harm their reader, and with what is odd but allowed: its file has exactly the bytes
 * that it would have without the harm.
 */
@Timeout(120)
final class HostileStreamTest {
  private static final byte[] DATA = {1, 2, 3};
  private static final byte[] TID = new Tid(7).toBytes();

  @TempDir private Path directory = Path.of("unset");

  private static StreamBuilder stream() {
    return new StreamBuilder(Tid.NONE);
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A file with transactions of one record each, made by no network. */
  private Replica expected(Tid... tids) {
    Replica replica = Replica.in(directory, "expected");
    try (FileStorage storage = replica.open()) {
      for (Tid tid : tids) {
        try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, tid, ' ', null)) {
          buffer.restore(new Oid(1), tid, DATA.clone(), null);
          storage.restoreAll(List.of(buffer));
        }
      }
    }
    return replica;
  }

  private static Arguments wrong(String name, StreamBuilder stream, String error) {
    return Arguments.of(name, stream.bytes(), error);
  }

  /** All with a right transaction 5 before. */
  private static StreamBuilder then() {
    return stream().transaction(5, DATA);
  }

  private static Tid in(long days) {
    return Tid.of(Instant.now().plus(days, ChronoUnit.DAYS));
  }

  static Stream<Arguments> endings() {
    Tid distant = in(101 * 365);
    return Stream.of(
        wrong("the same tid again", then().transaction(5, DATA), "not later"),
        wrong("the same transaction with other data", then().transaction(5, TID), "not later"),
        wrong("a tid that goes back", then().transaction(4, DATA), "not later"),
        wrong("a record behind the end", then().record(1, 5).frame(DATA), "outside of"),
        wrong("a second end", then().commit(), "outside of"),
        wrong("a transaction within the second one", then().begin(6).begin(7), "begins within"),
        wrong("a record of the transaction before", then().begin(6).record(1, 5), "a record of"),
        wrong("a record of a later one", then().begin(6).record(1, 7), "a record of"),
        wrong(
            "the checksum of the transaction before",
            then().begin(6).record(1, 6).frame(DATA).message("C", (Object) then().checksum()),
            "Bad checksum"),
        wrong("a century ahead", then().transaction(distant.value(), DATA), "in the future"),
        wrong("the last tid of ZODB", then().transaction(Long.MAX_VALUE, DATA), "in the future"),
        wrong("the last tid of all", then().transaction(-1, DATA), "in the future"),
        wrong(
            "a blob with a block missing, then the next transaction",
            then().begin(6).blob(1, 6, 3).frame(Replica.BLOB_RECORD).frame(DATA).begin(7).commit(),
            ""),
        wrong(
            "more blocks than a number can say",
            then()
                .begin(6)
                .message(
                    "B",
                    new Oid(1).toBytes(),
                    new Tid(6).toBytes(),
                    "",
                    PyNone.NONE,
                    BigInteger.ONE.shiftLeft(70)),
            "64 bits"),
        wrong(
            "a version",
            then()
                .begin(6)
                .message("S", new Oid(1).toBytes(), new Tid(6).toBytes(), "draft", PyNone.NONE),
            "version"),
        wrong("a record without its data", then().begin(6).record(1, 6), ""),
        wrong("a length of 2 GiB", then().raw(0x80, 0, 0, 0), "too large: 2147483648"),
        wrong("a length of 4 GiB", then().raw(255, 255, 255, 255), "too large: 4294967295"),
        wrong(
            "a long text in place of a type, with control characters",
            then().message("\u001b[2J\n".repeat(100_000), 1L),
            "Invalid message type, '?[2J??[2J?"));
  }

  private void awaitError(Logged logged, String error) {
    await()
        .atMost(ReplicationTest.LIMIT)
        .untilAsserted(
            () ->
                assertThat(logged.lines())
                    .filteredOn(line -> line.contains("Input data error"))
                    .singleElement()
                    .asString()
                    .contains(error)
                    .hasSizeLessThan(600)
                    .doesNotContain("\n", "\u001b"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("endings")
  void what_was_right_before_stays_and_nothing_else(String name, byte[] stream, String error)
      throws IOException {
    Replica replica = Replica.in(directory, "data");
    byte[] again = new StreamBuilder(new Tid(4)).transaction(5, DATA).transaction(9, DATA).bytes();
    try (FileStorage storage = replica.open();
        Logged logged = new Logged("zc.zrs");
        ScriptedPrimary primary = new ScriptedPrimary(stream, again);
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), storage)) {
      ReplicationTest.awaitTransaction(storage, new Tid(9));
      assertThat(secondary.status().connections()).isEqualTo(2);
      if (!error.isEmpty()) {
        awaitError(logged, error);
      }
    }
    expected(new Tid(5), new Tid(9)).assertEquals(replica);
  }

  /** What a message would be if its reader did what its pickle says. */
  private static Arguments pickle(String name, String pickle, String error) {
    return wrong(name, then().frame(latin1(pickle)), error);
  }

  /** A transaction message with this in its extension. */
  private static String inExtension(String value) {
    return "(X\1\0\0\0T(U\u0008\0\0\0\0\0\0\0\u0007X\1\0\0\0 U\0U\0}X\1\0\0\0a" + value + "stt.";
  }

  private static String nested(String open, int depth, String close) {
    return open.repeat(depth) + "N" + close.repeat(depth);
  }

  static Stream<Arguments> pickles() {
    String command = "X\u000c\0\0\0touch hacked";
    return Stream.of(
        pickle("REDUCE", "cos\nsystem\n(" + command + "tR.", "no message"),
        pickle("NEWOBJ", "\u0080\2cos\nsystem\n(" + command + "t\u0081.", "no message"),
        pickle("NEWOBJ_EX", "\u0080\4cos\nsystem\n(" + command + "t}\u0092.", "no message"),
        pickle("INST", "(" + command + "ios\nsystem\n.", "no message"),
        pickle("OBJ", "(cos\nsystem\n" + command + "o.", "no message"),
        pickle("BUILD", "cos\nsystem\n)R}" + command + "Nsb.", "no message"),
        pickle(
            "STACK_GLOBAL",
            "\u0080\4\u008c\2os\u008c\6system\u0093(" + command + "tR.",
            "no message"),
        pickle("EXT1", "\u0080\2\u0082\1.", "no message"),
        pickle("EXT4 with a negative code", "\u0080\2\u0084\u00ff\u00ff\u00ff\u00ff.", "code -1"),
        pickle("PERSID", "Pus\n.", "no message"),
        pickle("BINPERSID", "(X\1\0\0\0T(ttQ.", "no message"),
        pickle("a call in place of a tid", "(X\1\0\0\0T(cos\nsystem\n(" + command + "tRtt.", ""),
        pickle("a million open marks", "(".repeat(1_000_000) + ".", "nested deeper"),
        pickle(
            "tuples within tuples in the extension",
            inExtension(nested("", 100_000, "\u0085")),
            "no message"),
        pickle(
            "lists within lists in the extension",
            inExtension("](".repeat(900_000 / 2) + "e".repeat(450_000)),
            "nested deeper"),
        pickle("a long memo", "N" + "q\0".repeat(10) + "2".repeat(300_000) + ".", "200000 values"),
        pickle("a memo number beyond all", "Nr\u00ff\u00ff\u00ff\u00ff.", "no message"),
        pickle("a memo number in digits", "Np999999999999999999999999\n.", "memo number"),
        pickle("a number of a million digits", "L" + "9".repeat(1_000_000) + "L\n.", "digits"),
        pickle("a number of two million bytes", "\u008b\0\0 \0" + "\1".repeat(1 << 21) + ".", ""),
        pickle("a number of -1 bytes", "\u008b\u00ff\u00ff\u00ff\u00ff.", "needs 4294967295 more"),
        pickle(
            "a text of 2^63 - 1 bytes",
            "\u0080\4\u008d" + "\u00ff".repeat(7) + "\u007f.",
            "needs 9223372036854775807 more"),
        pickle("bytes of 2^64 - 1 bytes", "\u0080\4\u008e" + "\u00ff".repeat(8) + ".", "needs 184"),
        pickle("a bytearray of 2^62 bytes", "\u0080\5\u0096" + "\0".repeat(7) + "@.", "needs 461"),
        pickle("a text of 4 GiB", "X\u00ff\u00ff\u00ff\u00ff.", "needs 4294967295 more"),
        pickle("a frame of 2^56 bytes", "\u0080\4\u0095" + "\0".repeat(7) + "\1.", "needs 72"),
        pickle("an out-of-band buffer", "\u0080\5\u0097.", "out-of-band"),
        pickle("protocol 6", "\u0080\6N.", "protocol 6"),
        pickle("no end", "(X\1\0\0\0T(", "no message"),
        pickle("an end without a value", ".", "no message"),
        pickle("a list as type", "(](tt.", "no message"),
        pickle("the greeting of a ZEO server", "Z5", "is a ZEO server"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pickles")
  void a_pickle_that_would_harm_its_reader_is_refused(String name, byte[] stream, String error)
      throws IOException {
    what_was_right_before_stays_and_nothing_else(name, stream, error);
    assertThat(Files.exists(Path.of("hacked"))).isFalse();
  }

  /** What is allowed: it is applied, and later transactions too. */
  private void assertApplied(StreamBuilder odd, Tid... tids) throws IOException {
    Replica replica = Replica.in(directory, "data");
    try (FileStorage storage = replica.open();
        ScriptedPrimary primary = new ScriptedPrimary(odd.bytes());
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), storage)) {
      ReplicationTest.awaitTransaction(storage, tids[tids.length - 1]);
      assertThat(secondary.status().lastError()).isEmpty();
      assertThat(secondary.status().connections()).isEqualTo(1);
    }
    expected(tids).assertEquals(replica);
  }

  private static StreamBuilder withDataTid(StreamBuilder stream, long tid, long dataTid) {
    return stream
        .begin(tid)
        .message("S", new Oid(1).toBytes(), new Tid(tid).toBytes(), "", new Tid(dataTid).toBytes())
        .frame(DATA)
        .commit();
  }

  @Test
  void a_data_tid_that_points_nowhere_or_at_itself_or_ahead_is_no_back_pointer()
      throws IOException {
    StreamBuilder stream = then();
    withDataTid(stream, 6, 3);
    withDataTid(stream, 7, 7);
    withDataTid(stream, 8, 9);
    withDataTid(stream, 9, -1);
    assertApplied(stream, new Tid(5), new Tid(6), new Tid(7), new Tid(8), new Tid(9));
  }

  @Test
  void a_frame_and_a_memo_of_protocol_4_are_read() throws IOException {
    String fields =
        "\u008c\1T(C\u0008\0\0\0\0\0\0\0\u0007\u0094\u008c\1 \u0094C\0\u0094h\2}\u0094t\u0094"
            + "\u0086\u0094.";
    StreamBuilder stream = then();
    stream.frame(latin1("\u0080\4\u0095" + (char) fields.length() + "\0".repeat(7) + fields));
    stream.record(1, 7).frame(DATA).commit();
    assertApplied(stream, new Tid(5), new Tid(7));
  }

  @Test
  void a_byte_now_and_then_is_slow_but_right() throws IOException {
    Replica replica = Replica.in(directory, "data");
    try (FileStorage storage = replica.open();
        ScriptedPrimary primary = new ScriptedPrimary(3, then().transaction(9, DATA).bytes());
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), storage)) {
      ReplicationTest.awaitTransaction(storage, new Tid(9));
      assertThat(secondary.status().connections()).isEqualTo(1);
    }
    expected(new Tid(5), new Tid(9)).assertEquals(replica);
  }

  @Test
  void the_last_oid_of_all_is_stored_and_never_makes_the_next_one_the_root() throws IOException {
    Replica replica = Replica.in(directory, "data");
    byte[] stream = then().begin(6).record(-1, 6).frame(DATA).commit().bytes();
    try (FileStorage storage = replica.open();
        ScriptedPrimary primary = new ScriptedPrimary(stream);
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), storage)) {
      ReplicationTest.awaitTransaction(storage, new Tid(6));
      assertThat(secondary.status().lastError()).isEmpty();
      assertThat(storage.loadSerial(new Oid(-1), new Tid(6))).isEqualTo(DATA);
      assertThatThrownBy(storage::newOid)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("no more oids");
    }
  }

  @Test
  void a_tid_in_the_future_is_stored_with_a_warning_and_a_promoted_secondary_goes_on_behind_it()
      throws IOException {
    Replica replica = Replica.in(directory, "data");
    Tid future = in(400);
    byte[] stream =
        then().transaction(future.value(), DATA).transaction(future.value() + 7, DATA).bytes();
    try (FileStorage storage = replica.open();
        Logged logged = new Logged("zc.zrs")) {
      try (ScriptedPrimary primary = new ScriptedPrimary(stream);
          ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), storage)) {
        ReplicationTest.awaitTransaction(storage, new Tid(future.value() + 7));
        assertThat(secondary.status().lastError()).isEmpty();
      }
      assertThat(logged.lines())
          .filteredOn(line -> line.startsWith("WARN"))
          .singleElement()
          .asString()
          .contains(future.toString(), "in the future", "clock");
      // As after a promotion.
      Tid own = Replica.commitRecord(storage, new Oid(77), DATA.clone());
      assertThat(own).isEqualTo(new Tid(future.value() + 8));
    }
  }

  @Test
  void blobs_whose_blocks_have_odd_sizes_are_what_their_blocks_are() throws IOException {
    Replica replica = Replica.in(directory, "data");
    byte[] full = new byte[1 << 16];
    Arrays.fill(full, (byte) 7);
    byte[] stream =
        then()
            .begin(6)
            .blob(2, 6, 4)
            .frame(Replica.BLOB_RECORD)
            .frame(DATA)
            .frame(new byte[0])
            .frame(full)
            .frame(DATA)
            .blob(3, 6, 0)
            .frame(Replica.BLOB_RECORD)
            .commit()
            .bytes();
    try (FileStorage storage = replica.open();
        ScriptedPrimary primary = new ScriptedPrimary(stream);
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), storage)) {
      ReplicationTest.awaitTransaction(storage, new Tid(6));
      assertThat(secondary.status().lastError()).isEmpty();
      byte[] content =
          Files.readAllBytes(storage.blobs().orElseThrow().file(new Oid(2), new Tid(6)));
      assertThat(content).hasSize(full.length + 6).startsWith(1, 2, 3, 7).endsWith(7, 1, 2, 3);
      assertThat(storage.blobs().orElseThrow().file(new Oid(3), new Tid(6))).isEmptyFile();
    }
    assertThat(replica.blobContents()).hasSize(2);
  }

  @Test
  void an_extension_that_unfolds_without_end_costs_nothing_when_it_is_compared() throws Exception {
    Replica replica = Replica.in(directory, "data");
    StringBuilder bomb = new StringBuilder("]q\0");
    for (int i = 1; i <= 60; i++) {
      bomb.append("0](h").append((char) (i - 1)).append('h').append((char) (i - 1)).append("eq");
      bomb.append((char) i);
    }
    byte[] right = stream().transaction(7, DATA).bytes();
    byte[] compared =
        new StreamBuilder(new Tid(6))
            .frame(latin1(inExtension(bomb.toString())))
            .record(1, 7)
            .frame(DATA)
            .commit()
            .transaction(9, DATA)
            .bytes();
    try (FileStorage storage = replica.open();
        ScriptedPrimary primary = new ScriptedPrimary(right, compared);
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), storage)) {
      ReplicationTest.awaitTransaction(storage, new Tid(9));
      assertThat(secondary.status().lastError().orElseThrow()).contains("closed");
    }
    expected(new Tid(7), new Tid(9)).assertEquals(replica);
  }

  @Test
  void who_has_only_transactions_without_records_has_nothing_to_compare() throws IOException {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    for (Replica each : List.of(first, second)) {
      try (FileStorage storage = each.open();
          TransactionBuffer empty =
              storage.begin(TransactionMetadata.EMPTY, new Tid(3), ' ', null)) {
        storage.restoreAll(Collections.singletonList(empty));
      }
    }
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        ReplicationPrimary primary = ReplicationTest.primary(a);
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), b)) {
      ReplicationTest.awaitTransaction(b, Replica.commitRecord(a, new Oid(1), DATA.clone()));
      assertThat(secondary.status().lastError()).isEmpty();
    }
    first.assertEquals(second);
  }
}
