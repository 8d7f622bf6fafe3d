package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client with our server and with servers that do wrong; Python's servers are in interop. */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ZeoClientTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(300);

  @TempDir private Path directory = Path.of("unset");

  private static ZeoClient connect(SocketAddress address, Duration limit) {
    return ZeoClient.connect(address, limit, ZeoLimits.DEFAULT.withMaxFrameBytes(100_000));
  }

  @Test
  void callsReturnValuesOrThrowTheServersException() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient writer = RawClient.register(harness.port());
        ZeoClient client = connect(harness.server().address(), LONG)) {
      assertThatThrownBy(() -> client.register("other", true))
          .isInstanceOfSatisfying(
              ZeoCallException.class,
              e -> assertThat(e.className()).isEqualTo("builtins.ValueError"))
          .hasMessage("register: builtins.ValueError(unknown storage: other)");
      assertThat(client.register("1", true)).isEqualTo(Tid.NONE);
      assertThat(client.firstTransaction(Tid.NONE)).isEmpty();
      Tid first = writer.commit(1, Oid.ROOT, Tid.NONE, new byte[] {1});
      Tid second = writer.commit(2, Oid.ROOT, first, new byte[] {2});
      assertThat(client.lastTransaction()).isEqualTo(second);
      assertThat(client.firstTransaction(Tid.NONE)).contains(first);
      assertThat(client.firstTransaction(first)).contains(first);
      assertThat(client.firstTransaction(first.next())).contains(second);
      assertThat(client.firstTransaction(second.next())).isEmpty();
      PyTuple revision = Py.asTuple(client.call("loadBefore", Oid.ROOT, second), 3);
      assertThat(Py.asBytes(revision.get(0))).containsExactly(1);
      assertThatThrownBy(() -> client.call("pack", "noon"))
          .isInstanceOf(ZeoCallException.class)
          .hasMessageStartingWith("pack: builtins.TypeError(");
    }
  }

  @Test
  void aClosedClientSaysSo() {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT)) {
      ZeoClient closed;
      try (ZeoClient client = connect(harness.server().address(), LONG)) {
        closed = client;
      }
      assertThatThrownBy(closed::lastTransaction)
          .isInstanceOf(ZeoException.class)
          .hasMessageEndingWith("the connection is closed");
    }
  }

  @Test
  void anIteratorThatIsNotUsedUpIsGivenBack() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient writer = RawClient.register(harness.port());
        ZeoClient client = connect(harness.server().address(), LONG)) {
      Tid tid = writer.commit(1, Oid.ROOT, Tid.NONE, new byte[] {1});
      client.register("1", true);
      for (int i = 0; i <= IteratorMethods.MAX_ITERATORS; i++) {
        assertThat(client.firstTransaction(Tid.NONE)).contains(tid);
      }
    }
  }

  @Test
  void transactionsWithoutRecordsArePassedOver() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient writer = RawClient.register(harness.port());
        ZeoClient client = connect(harness.server().address(), LONG)) {
      client.register("1", true);
      Tid start = Tid.NONE;
      for (long id = 1; id <= 3; id++) {
        writer.cast("tpc_begin", id, "", "", new PyDict(), PyNone.NONE, " ");
        writer.require("vote", id);
        start = Tid.of(Py.asBytes(writer.require("tpc_finish", id)));
      }
      assertThat(client.lastTransaction()).isEqualTo(start);
      assertThat(client.firstTransaction(Tid.NONE)).isEmpty();
      Tid tid = writer.commit(9, Oid.ROOT, Tid.NONE, new byte[] {1});
      assertThat(client.firstTransaction(Tid.NONE)).contains(tid);
    }
  }

  @Test
  void aServerThatHasNoEndOfTransactionsWithoutRecordsIsGivenUp() throws IOException {
    byte[] tid = new Tid(77).toBytes();
    with(
        (in, out) -> {
          frame(out, "Z5");
          in.readNBytes(in.readInt());
          while (true) {
            Request request = request(in);
            if (request.async()) {
              break;
            }
            Object reply =
                switch (request.method()) {
                  case "iterator_next" -> PyTuple.of(tid, " ", "", "", new PyDict());
                  case "iterator_record_next" -> PyNone.NONE;
                  case String other -> 1L;
                };
            frame(out, message(request.id(), 0L, ".reply", reply));
          }
        },
        address -> {
          try (ZeoClient client = connect(address, LONG)) {
            assertThat(client.firstTransaction(Tid.NONE)).contains(Tid.of(tid));
          }
        });
  }

  private static Request request(DataInputStream in) throws IOException {
    byte[] message = in.readNBytes(in.readInt());
    return Objects.requireNonNull(Request.decode(Encoding.PICKLE, message, 0, message.length));
  }

  @Test
  void statusIsAskedForWithoutAStorage() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient writer = RawClient.register(harness.port())) {
      SocketAddress address = harness.server().address();
      assertThat(Ruok.lastTransactions(address, LONG)).isEqualTo(Map.of("1", Tid.NONE));
      Tid tid = writer.commit(1, Oid.ROOT, Tid.NONE, new byte[] {1});
      assertThat(Ruok.lastTransactions(address, LONG)).isEqualTo(Map.of("1", tid));
      assertThat(Ruok.status(address, LONG)).contains("\"last-transaction\": \"" + tid + "\"");
    }
  }

  @Test
  void whatCanNotBeReachedIsNamed() throws IOException {
    SocketAddress address;
    try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      address = unused.getLocalSocketAddress();
    }
    assertThatThrownBy(() -> connect(address, LONG))
        .isInstanceOf(ZeoConnectException.class)
        .hasMessageMatching("can't connect to 127.0.0.1:\\d+: Connection refused")
        .hasCauseInstanceOf(IOException.class);
    assertThatThrownBy(() -> connect(UnixDomainSocketAddress.of(directory.resolve("none")), LONG))
        .isInstanceOf(ZeoConnectException.class)
        .hasMessageEndingWith("none: No such file or directory");
    assertThatThrownBy(() -> connect(InetSocketAddress.createUnresolved("no such host", 1), LONG))
        .isInstanceOf(ZeoConnectException.class)
        .hasMessage("can't connect to no such host:1: the host name is unknown");
  }

  /** What a server does on its one connection. */
  private interface Script {
    void run(DataInputStream in, DataOutputStream out) throws IOException;
  }

  private interface Client {
    void run(SocketAddress address);
  }

  private static void frame(DataOutputStream out, byte[] content) throws IOException {
    // In one write, or the second part waits for the first one's acknowledgement.
    out.write(ByteBuffer.allocate(4 + content.length).putInt(content.length).put(content).array());
  }

  private static void frame(DataOutputStream out, String content) throws IOException {
    frame(out, content.getBytes(StandardCharsets.US_ASCII));
  }

  private static void with(Script script, Client client) throws IOException {
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> serve(listener, script));
      client.run(listener.getLocalSocketAddress());
    }
  }

  private static void serve(ServerSocket listener, Script script) {
    try (Socket socket = listener.accept()) {
      script.run(
          new DataInputStream(socket.getInputStream()),
          new DataOutputStream(socket.getOutputStream()));
      // The end of the connection is the client's, unless the script has come to it.
      socket.setSoTimeout(Math.toIntExact(LONG.toMillis()));
    } catch (IOException e) {
      // The client went away: what these servers provoke.
      assertThat(e).isNotNull();
    }
  }

  private static ThrowingCallable anyCall(SocketAddress address, Duration limit) {
    return () -> {
      try (ZeoClient client = connect(address, limit)) {
        client.call("ping");
      }
    };
  }

  private static void failsWith(Duration limit, String message, Script script) throws IOException {
    with(
        script,
        address ->
            assertThatThrownBy(anyCall(address, limit))
                .isInstanceOf(ZeoException.class)
                .isNotInstanceOf(ZeoCallException.class)
                .hasMessageStartingWith("the server at 127.0.0.1:")
                .hasMessageContaining(message));
  }

  private static void answersWith(Duration limit, String message, Script answer)
      throws IOException {
    failsWith(
        limit,
        message,
        (in, out) -> {
          frame(out, "Z5");
          in.readNBytes(in.readInt());
          in.readNBytes(in.readInt());
          answer.run(in, out);
          assertThat(in.read()).isEqualTo(-1);
        });
  }

  private static byte[] message(Object... parts) {
    return PickleWriter.zeo().write(PyTuple.of(parts)).toByteArray();
  }

  @Test
  void aBadGreetingIsOneClearError() throws IOException {
    failsWith(SHORT, "no answer within 0.3 s", (in, out) -> assertThat(in.read()).isEqualTo(-1));
    failsWith(LONG, "it closed the connection", (in, out) -> {});
    failsWith(
        LONG,
        "a message of 1397966893 bytes; at most 64 are allowed",
        (in, out) -> out.writeBytes("SSH-2.0-OpenSSH_9.9\r\n"));
    failsWith(LONG, "no ZEO server, its greeting is '?hi'", (in, out) -> frame(out, "\7hi"));
    failsWith(LONG, "it speaks the protocol 'Z310', not 'Z5'", (in, out) -> frame(out, "Z310"));
  }

  @Test
  void anotherEncodingIsNotTaken() throws IOException {
    with(
        (in, out) -> {
          frame(out, "M5");
          assertThat(in.readNBytes(in.readInt())).asString().isEqualTo("Z5");
          in.readNBytes(in.readInt());
          frame(out, message(1L, 0L, ".reply", 7L));
        },
        address -> {
          try (ZeoClient client = connect(address, LONG)) {
            assertThat(client.call("any")).isEqualTo(7L);
          }
        });
  }

  @Test
  void aBadAnswerIsOneClearError() throws IOException {
    answersWith(SHORT, "no answer within 0.3 s", (in, out) -> {});
    answersWith(LONG, "a reply to another", (in, out) -> frame(out, message(9L, 0L, ".reply", 1L)));
    answersWith(LONG, "needed a tuple of 4", (in, out) -> frame(out, message(1L)));
    answersWith(LONG, "ping: ", (in, out) -> frame(out, "no pickle"));
    answersWith(LONG, "at most 100000 are allowed", (in, out) -> out.writeInt(-1));
    answersWith(
        LONG, "needed a tuple", (in, out) -> frame(out, message(1L, 2L, ".reply", "no pair")));
  }

  /** So that the whole of a message takes longer than the client waits. */
  private static void pause() {
    LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aServerThatNeverEndsIsGivenUp(boolean slowly) throws IOException {
    byte[] noReply = message(0L, true, "invalidateTransaction", PyTuple.EMPTY);
    answersWith(
        SHORT,
        "no answer within 0.3 s",
        (in, out) -> {
          if (slowly) {
            out.writeInt(99_999);
          }
          // Until the client goes away.
          while (in.available() == 0) {
            if (slowly) {
              out.write(0);
              pause();
            } else {
              frame(out, noReply);
            }
          }
        });
  }

  @Test
  void theServersOwnMessagesArePassedOver() throws IOException {
    with(
        (in, out) -> {
          frame(out, "Z5");
          in.readNBytes(in.readInt());
          in.readNBytes(in.readInt());
          frame(out, message(0L, true, "info", PyTuple.of(1L)));
          frame(out, message(1L, 0L, ".reply", Tid.MAX.toBytes()));
          in.readNBytes(in.readInt());
          frame(out, message(2L, 0L, ".reply", "no tid"));
        },
        address -> {
          try (ZeoClient client = connect(address, LONG)) {
            assertThat(client.lastTransaction()).isEqualTo(Tid.MAX);
            assertThatThrownBy(client::lastTransaction)
                .hasMessageEndingWith("lastTransaction: not a tid but text of length 6");
          }
        });
  }

  @Test
  void anIteratorThatIsNoNumberIsRefused() throws IOException {
    with(
        (in, out) -> {
          frame(out, "Z5");
          in.readNBytes(in.readInt());
          in.readNBytes(in.readInt());
          frame(out, message(1L, 0L, ".reply", PyTuple.of(7L)));
        },
        address -> {
          try (ZeoClient client = connect(address, LONG)) {
            assertThatThrownBy(() -> client.firstTransaction(Tid.NONE))
                .hasMessageEndingWith("iterator_start: not a number but a tuple of 1");
          }
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no json",
        "[]",
        "{\"1\": 7}",
        "{\"1\": {}}",
        "{\"1\": {\"last-transaction\": null}}",
        "{\"1\": {\"last-transaction\": \"0123\"}}",
        "{\"1\": {\"last-transaction\": \"x123456789012345\"}}",
        "{\"1\": {\"last-transaction\": {\"a\": 1}}}",
        "{\"1\": {\"last-transaction\": \"0123456789012345\""
      })
  void aStatusThatIsNoneIsOneClearError(String status) throws IOException {
    with(
        (in, out) -> {
          frame(out, "Z5");
          assertThat(in.readNBytes(in.readInt())).asString().isEqualTo("ruok");
          frame(out, status);
        },
        address ->
            assertThatThrownBy(() -> Ruok.lastTransactions(address, LONG))
                .isInstanceOf(ZeoException.class)
                .hasMessageContaining("its status can't be read: ")
                .message()
                .doesNotContain("\n"));
  }

  @Test
  void aStatusMayHoldAnything() throws IOException {
    assertThat(
            Ruok.lastTransactions(
                "{\"a \\u00e9\": {\"x\": [1, {\"last-transaction\": 1}], \"y\": null,"
                    + " \"last-transaction\": \"0123456789abcdef\", \"z\": {\"q\": 1.5e3}},"
                    + " \"1\": {\"last-transaction\": \"0000000000000000\"}}"))
        .isEqualTo(Map.of("a é", new Tid(0x0123456789abcdefL), "1", Tid.NONE));
    assertThat(Ruok.lastTransactions("{}")).isEmpty();
  }
}
