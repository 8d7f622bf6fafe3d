package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.storage.Oid;
import dev.zrs.storage.Revision;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.PythonPeer;
import dev.zrs.zeo.TestCertificates.Identity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the client can do, with our server and with Python's. */
@Timeout(value = 3, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ClientScenariosTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  /** An instance of a class without a module of its own, whose state is a string. */
  private static byte[] data(String text) {
    return ("\u0080\u0002cpersistent.mapping\nPersistentMapping\n."
            + "\u0080\u0002U"
            + (char) text.length()
            + text
            + ".")
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  @TempDir private Path directory = Path.of("unset");

  enum Kind {
    OURS,
    OURS_WITH_TLS,
    ZEO_6,
    ZEO_6_WITH_TLS,
    ZEO_5
  }

  /** A server, and how to connect to it. */
  private record Served(Runnable stop, SocketAddress address, Optional<TlsContext> tls)
      implements AutoCloseable {
    ZeoClient connect() {
      ZeoClient client = ZeoClient.connect(address, LONG, ZeoLimits.DEFAULT, tls);
      client.register("1", false);
      return client;
    }

    @Override
    public void close() {
      stop.run();
    }
  }

  private Served serve(Kind kind) {
    Path certificates = directory;
    Identity authority =
        TestCertificates.authority(certificates, "Authority", TestCertificates.TOMORROW);
    Identity server =
        TestCertificates.issue(certificates, authority, "server", TestCertificates.TOMORROW);
    Identity client =
        TestCertificates.issue(certificates, authority, "client", TestCertificates.TOMORROW);
    TlsOptions both = TlsOptions.DEFAULT.withAuthenticate(authority.certificateFile());
    Optional<TlsContext> tls =
        Optional.of(
            TlsContext.load(both.withCertificate(client.file()).withServerHostname("zodb.org")));
    return switch (kind) {
      case OURS -> ours(ZeoServerOptions.DEFAULT, Optional.empty());
      case OURS_WITH_TLS ->
          ours(
              ZeoServerOptions.DEFAULT.withTls(
                  TlsContext.load(both.withCertificate(server.file()))),
              tls);
      case ZEO_6 -> python(PythonPeer.current(), "", Optional.empty());
      case ZEO_5 -> python(PythonPeer.legacy(), "", Optional.empty());
      case ZEO_6_WITH_TLS ->
          python(
              PythonPeer.current(),
              """
              <ssl>
                certificate %s
                authenticate %s
              </ssl>
              """
                  .formatted(server.file(), authority.certificateFile()),
              tls);
    };
  }

  private Served ours(ZeoServerOptions options, Optional<TlsContext> tls) {
    ServerHarness harness = new ServerHarness(directory, options);
    return new Served(harness::close, harness.server().address(), tls);
  }

  private Served python(PythonPeer peer, String ssl, Optional<TlsContext> tls) {
    RunzeoServer server = new RunzeoServer(peer, directory, ssl);
    return new Served(server::close, server.address(), tls);
  }

  private static Tid commit(ZeoClient client, Oid oid, Tid serial, String text) {
    try (ZeoTransaction transaction = client.begin("me", "stores " + text)) {
      transaction.store(oid, serial, data(text));
      assertThat(transaction.vote()).isEmpty();
      return transaction.finish();
    }
  }

  @ParameterizedTest
  @EnumSource
  void objectsAndTheirPast(Kind kind) throws Exception {
    try (Served served = serve(kind);
        ZeoClient client = served.connect()) {
      Oid oid = client.newOid();
      assertThat(client.newOid()).isNotEqualTo(oid);
      assertThatThrownBy(() -> client.load(oid)).isInstanceOf(ZeoNoObjectException.class);
      // With a root, without which there is nothing to pack.
      Tid first = commit(client, Oid.ROOT, Tid.NONE, "root");
      Tid second = commit(client, oid, Tid.NONE, "one");
      Tid third = commit(client, oid, second, "two");

      Revision current = client.load(oid);
      assertThat(current.data()).isEqualTo(data("two"));
      assertThat(current.serial()).isEqualTo(third);
      assertThat(current.end()).isNull();
      Revision before = client.loadBefore(oid, third).orElseThrow();
      assertThat(before.data()).isEqualTo(data("one"));
      assertThat(before.end()).isEqualTo(third);
      assertThat(client.loadBefore(oid, second)).isEmpty();
      assertThat(client.loadSerial(oid, second)).isEqualTo(data("one"));
      assertThatThrownBy(() -> client.loadSerial(oid, first))
          .isInstanceOf(ZeoNoObjectException.class);

      assertThat(client.undoable(0, 2))
          .containsExactly(
              new ZeoClient.Undoable(third, "me", "stores two"),
              new ZeoClient.Undoable(second, "me", "stores one"));
      Tid undone;
      try (ZeoTransaction transaction = client.begin("me", "undoes")) {
        transaction.undo(third);
        assertThat(transaction.vote()).containsExactly(oid);
        undone = transaction.finish();
      }
      assertThat(client.load(oid).data()).isEqualTo(data("one"));

      List<Tid> tids = new ArrayList<>();
      List<String> records = new ArrayList<>();
      try (ZeoTransactions transactions = client.transactions(second, Tid.MAX)) {
        for (var each = transactions.next(); each.isPresent(); each = transactions.next()) {
          tids.add(each.get().tid());
          assertThat(new String(each.get().user(), StandardCharsets.UTF_8)).isEqualTo("me");
          transactions.records().stream()
              .map(r -> r.oid() + " " + r.data().orElseThrow().length + " " + r.dataTid())
              .forEach(records::add);
        }
      }
      assertThat(tids).containsExactly(second, third, undone);
      int length = data("one").length;
      assertThat(records)
          .containsExactly(
              oid + " " + length + " Optional.empty",
              oid + " " + length + " Optional.empty",
              oid + " " + length + " " + Optional.of(second));
      try (ZeoTransactions given = client.transactions(first, Tid.MAX)) {
        assertThat(given.next().map(ZeoTransactions.Transaction::tid)).contains(first);
      }

      // Nothing refers to the other object.
      client.pack(Instant.now().plusSeconds(1), LONG);
      assertThatThrownBy(() -> client.load(oid)).isInstanceOf(ZeoNoObjectException.class);
      assertThat(client.load(Oid.ROOT).data()).isEqualTo(data("root"));
      assertThat(client.status().get("commits")).isEqualTo(4L);
      assertThat(client.info().get("name")).isEqualTo(directory.resolve("Data.fs").toString());
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoComesTooLateGetsAConflict(Kind kind) throws Exception {
    try (Served served = serve(kind);
        ZeoClient one = served.connect();
        ZeoClient other = served.connect()) {
      Tid first = commit(one, Oid.ROOT, Tid.NONE, "first");
      Tid second = commit(other, Oid.ROOT, first, "second");
      try (ZeoTransaction late = one.begin("me", "")) {
        late.store(Oid.ROOT, first, data("late"));
        assertThatThrownBy(late::vote)
            .isInstanceOfSatisfying(
                ZeoConflictException.class,
                e -> {
                  assertThat(e.oid()).contains(Oid.ROOT);
                  assertThat(e.committed()).contains(second);
                  assertThat(e.read()).contains(first);
                })
            .hasMessageContaining(Oid.ROOT.toString());
      }
      try (ZeoTransaction reader = one.begin("me", "")) {
        reader.checkCurrent(Oid.ROOT, first);
        assertThatThrownBy(reader::vote).isInstanceOf(ZeoConflictException.class);
      }
      // The lock was let go, and the connections are as good as before.
      Tid third = commit(one, Oid.ROOT, second, "third");
      try (ZeoTransaction given = other.begin("me", "")) {
        given.store(Oid.ROOT, third, data("given up"));
        given.vote();
      }
      commit(one, Oid.ROOT, third, "last");
      assertThat(other.load(Oid.ROOT).data()).isEqualTo(data("last"));
    }
  }

  private static final class Broken extends InputStream {
    @Override
    public int read() throws IOException {
      throw new IOException("the disk is broken");
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      return read();
    }
  }

  @ParameterizedTest
  @EnumSource
  void blobsGoUpAndDown(Kind kind) throws Exception {
    byte[] content = new byte[300_000];
    for (int n = 0; n < content.length; n++) {
      content[n] = (byte) (n / 7);
    }
    try (Served served = serve(kind);
        ZeoClient client = served.connect()) {
      Oid oid = client.newOid();
      Tid serial;
      try (ZeoTransaction transaction = client.begin("me", "")) {
        transaction.storeBlob(oid, Tid.NONE, data("b"), new ByteArrayInputStream(content));
        transaction.vote();
        serial = transaction.finish();
      }
      ByteArrayOutputStream copy = new ByteArrayOutputStream();
      client.loadBlob(oid, serial, copy);
      assertThat(copy.toByteArray()).isEqualTo(content);
      assertThatThrownBy(() -> client.loadBlob(oid, serial.next(), copy))
          .isInstanceOf(ZeoNoObjectException.class);

      try (ZeoTransaction transaction = client.begin("me", "")) {
        assertThatThrownBy(
                () -> transaction.storeBlob(client.newOid(), Tid.NONE, data("c"), new Broken()))
            .isInstanceOf(IOException.class)
            .hasMessage("the disk is broken");
      }
      assertThat(client.lastTransaction()).isEqualTo(serial);
      OutputStream full =
          new OutputStream() {
            @Override
            public void write(int b) throws IOException {
              throw new IOException("the disk is full");
            }
          };
      assertThatThrownBy(() -> client.loadBlob(oid, serial, full))
          .isInstanceOf(IOException.class)
          .hasMessage("the disk is full");
      assertThatThrownBy(client::lastTransaction).isInstanceOf(ZeoException.class);
    }
  }
}
