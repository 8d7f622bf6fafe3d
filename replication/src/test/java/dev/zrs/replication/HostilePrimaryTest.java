package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.Logged;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a secondary does with a stream that is wrong: nothing of it becomes visible. */
@Timeout(60)
final class HostilePrimaryTest {
  private static final byte[] DATA = {1, 2, 3};

  @TempDir private Path directory = Path.of("unset");

  private static Arguments wrong(String name, StreamBuilder stream, String error) {
    return Arguments.of(name, stream.bytes(), error);
  }

  private static StreamBuilder stream() {
    return new StreamBuilder(Tid.NONE);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  static Stream<Arguments> streams() {
    byte[] tid = new Tid(5).toBytes();
    return Stream.of(
        wrong("not a pickle", stream().frame(ascii("hello")), "no message"),
        wrong("an empty frame", stream().frame(new byte[0]), "no message"),
        wrong(
            "a pickle that would run a command",
            stream().frame(ascii("cos\nsystem\n(S'touch hacked'\ntR.")),
            "no message"),
        wrong("an unknown message", stream().message("X", 1L), "Invalid message type"),
        wrong("no tuple", stream().frame(ascii("I1\n.")), "no message"),
        wrong("a record first", stream().record(1, 5), "outside of a transaction"),
        wrong("a blob first", stream().blob(1, 5, 1), "outside of a transaction"),
        wrong("a commit first", stream().commit(), "outside of a transaction"),
        wrong("a transaction within another", stream().begin(5).begin(6), "begins within"),
        wrong("tid zero", stream().begin(0), "not later"),
        wrong(
            "a tid of seven bytes",
            stream().message("T", new byte[7], " ", new byte[0], new byte[0], new PyDict()),
            "8 bytes"),
        wrong(
            "an oid of nine bytes",
            stream().begin(5).message("S", new byte[9], tid, "", PyNone.NONE),
            "8 bytes"),
        wrong("too few fields", stream().message("T", tid, " "), "5 fields"),
        wrong("a record without a transaction's tid", stream().begin(5).record(1, 6), "within"),
        wrong("status c", stream().begin(5, "c"), "status 'c'"),
        wrong("status u", stream().begin(5, "u"), "status 'u'"),
        wrong("a long status", stream().begin(5, "pp"), "one character"),
        wrong("no status", stream().begin(5, ""), "one character"),
        wrong(
            "a long user name",
            stream().message("T", tid, " ", new byte[70_000], new byte[0], new PyDict()),
            "user name too long"),
        wrong(
            "an extension that is no dictionary",
            stream().message("T", tid, " ", new byte[0], new byte[0], 7L),
            "no message"),
        wrong(
            "a wrong checksum",
            stream().begin(5).record(1, 5).frame(DATA).message("C", (Object) new byte[16]),
            "Bad checksum"),
        wrong(
            "a short checksum",
            stream().begin(5).record(1, 5).frame(DATA).message("C", (Object) new byte[0]),
            "Bad checksum"),
        wrong(
            "a checksum that is a number",
            stream().begin(5).record(1, 5).frame(DATA).message("C", 7L),
            "no message"),
        wrong("a message of 4 GB", stream().raw(255, 255, 255, 255), "message too large"),
        wrong("a message of 17 MB", stream().raw(1, 16, 0, 0), "message too large"),
        wrong(
            "a record beyond the limit",
            stream().begin(5).record(1, 5).raw(0x10, 0, 0, 1),
            "message too large"),
        wrong(
            "a block beyond 64 KiB",
            stream().begin(5).blob(1, 5, 1).frame(Replica.BLOB_RECORD).raw(0, 1, 0, 1),
            "message too large"),
        wrong(
            "a blob without a record",
            stream().begin(5).blob(1, 5, 1).frame(new byte[0]),
            "blob without a record"),
        wrong("less than no blocks", stream().begin(5).blob(1, 5, -1), "blocks"),
        wrong(
            "a block too many",
            stream()
                .begin(5)
                .blob(1, 5, 1)
                .frame(Replica.BLOB_RECORD)
                .frame(DATA)
                .frame(DATA)
                .commit(),
            "no message"),
        wrong(
            "a block too few, then a commit",
            stream().begin(5).blob(1, 5, 2).frame(Replica.BLOB_RECORD).frame(DATA).commit(),
            ""),
        wrong("half a transaction", stream().begin(5).record(1, 5).frame(DATA), ""),
        wrong(
            "a class in the extension",
            stream().message("T", tid, " ", new byte[0], new byte[0], new PyGlobal("os", "system")),
            "no message"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("streams")
  void a_wrong_stream_leaves_nothing(String name, byte[] stream, String error) throws Exception {
    Replica replica = Replica.in(directory, "data");
    AtomicInteger connections = new AtomicInteger();
    byte[] right = stream().transaction(9, DATA).bytes();
    try (FileStorage storage = replica.open();
        Logged logged = new Logged("zc.zrs");
        ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual()
          .start(
              () -> {
                while (!server.isClosed()) {
                  // The first connection gets the wrong stream, the next one the right one.
                  boolean first = connections.getAndIncrement() == 0;
                  answer(server, first ? stream : right, first);
                }
              });
      try (ReplicationSecondary secondary =
          ReplicationTest.secondary(
              Objects.requireNonNull(server.getLocalSocketAddress()), storage)) {
        await()
            .atMost(ReplicationTest.LIMIT)
            .until(() -> secondary.status().lastError().isPresent());
        ReplicationTest.awaitTransaction(storage, new Tid(9));
      }
      assertThat(storage.lastTransaction()).isEqualTo(new Tid(9));
      assertThat(storage.lastCommits(10)).hasSize(1);
      assertThat(storage.loadSerial(new Oid(1), new Tid(9))).isEqualTo(DATA);
      if (!error.isEmpty()) {
        assertThat(logged.events())
            .filteredOn(e -> e.getFormattedMessage().contains("Input data error"))
            .hasSize(1)
            .allSatisfy(
                e -> {
                  assertThat(e.getFormattedMessage()).contains(error);
                  assertThat(e.getMarkerList()).hasToString("[CRITICAL]");
                });
      }
    }
    assertThat(replica.blobContents()).isEmpty();
    assertThat(Files.exists(Path.of("hacked"))).isFalse();
  }

  static Stream<Arguments> beginnings() {
    return Stream.of(
        Arguments.of("half a length", new byte[] {0, 0}),
        Arguments.of("a length", new byte[] {0, 0, 1, 0}),
        Arguments.of("a part of a message", new byte[] {0, 0, 1, 0, 40}),
        Arguments.of("a part of a transaction", stream().begin(6).bytes()),
        Arguments.of("half a blob", halfBlob()),
        Arguments.of("a part of a large record", largeRecord()));
  }

  private static byte[] halfBlob() {
    return stream().begin(6).blob(1, 6, 3).frame(Replica.BLOB_RECORD).frame(DATA).bytes();
  }

  private static byte[] largeRecord() {
    return stream().begin(6).record(1, 6).raw(0, 0x50, 0, 0, 1, 2, 3).bytes();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("beginnings")
  void silence_in_the_middle_ends_the_connection_and_delays_nothing(String name, byte[] beginning)
      throws Exception {
    Replica replica = Replica.in(directory, "data");
    byte[] right = stream().transaction(5, DATA).bytes();
    byte[] stream = Arrays.copyOf(right, right.length + beginning.length);
    System.arraycopy(beginning, 0, stream, right.length, beginning.length);
    // What it compares when it comes again.
    byte[] again = new StreamBuilder(new Tid(4)).transaction(5, DATA).bytes();
    AtomicInteger connections = new AtomicInteger();
    try (FileStorage storage = replica.open();
        ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual()
          .start(
              () -> {
                while (!server.isClosed()) {
                  answer(server, connections.getAndIncrement() == 0 ? stream : again, false);
                }
              });
      try (ReplicationSecondary secondary =
          new ReplicationSecondary(
              Objects.requireNonNull(server.getLocalSocketAddress()),
              storage,
              ReplicationTest.options(Duration.ofMillis(700)),
              InstantSource.system())) {
        secondary.start();
        ReplicationTest.awaitTransaction(storage, new Tid(5));
        assertThat(secondary.status().connections()).isEqualTo(1);
        await()
            .atMost(ReplicationTest.LIMIT)
            .until(() -> secondary.status().lastError().orElse("").contains("timed out"));
        await().atMost(ReplicationTest.LIMIT).until(() -> secondary.status().connections() == 2);
        // This one is silent too, but between transactions.
        await()
            .atMost(ReplicationTest.LIMIT)
            .until(() -> secondary.status().state() == SecondaryState.LIVE);
      }
      assertThat(storage.lastTransaction()).isEqualTo(new Tid(5));
    }
    assertThat(replica.blobContents()).isEmpty();
  }

  /** Reads the greeting, answers with the stream, and waits for the other side to close. */
  private static void answer(ServerSocket server, byte[] stream, boolean end) {
    try (Socket socket = server.accept()) {
      byte[] greeting = socket.getInputStream().readNBytes(22);
      assertThat(new String(greeting, 4, 6, StandardCharsets.US_ASCII)).isEqualTo("zrs2.1");
      socket.getOutputStream().write(stream);
      if (end) {
        socket.shutdownOutput();
      }
      socket.getInputStream().readAllBytes();
    } catch (IOException expected) {
      // The secondary, or the end of the test, has closed the connection.
    }
  }
}
