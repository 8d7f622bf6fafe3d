package dev.zrs.zeo;

import static dev.zrs.zeo.TestCertificates.TOMORROW;
import static dev.zrs.zeo.TestCertificates.YESTERDAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.spi.ILoggingEvent;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.Logged;
import dev.zrs.zeo.TestCertificates.Identity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS between our server and our client; with Python's clients it is in interop. */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TlsTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir private Path directory = Path.of("unset");
  private TlsOptions serverOptions = TlsOptions.DEFAULT;
  private TlsOptions clientOptions = TlsOptions.DEFAULT;
  private Path authorities = Path.of("unset");
  private Path storage = Path.of("unset");

  @BeforeEach
  void makeCertificates() {
    storage = directory.resolve("storage");
    assertThat(storage.toFile().mkdir()).isTrue();
    Identity authority = TestCertificates.authority(directory, "Authority", TOMORROW);
    authorities = authority.certificateFile();
    serverOptions = with(TestCertificates.issue(directory, authority, "server", TOMORROW));
    clientOptions =
        with(TestCertificates.issue(directory, authority, "client", TOMORROW))
            .withServerHostname("zodb.org");
  }

  private TlsOptions with(Identity identity) {
    return TlsOptions.DEFAULT.withCertificate(identity.file()).withAuthenticate(authorities);
  }

  private ServerHarness serve() {
    return serve(ZeoLimits.DEFAULT);
  }

  private ServerHarness serve(ZeoLimits limits) {
    return new ServerHarness(
        storage,
        ZeoServerOptions.DEFAULT.withTls(TlsContext.load(serverOptions)).withLimits(limits));
  }

  private static ZeoClient connect(ServerHarness harness, TlsOptions options) {
    return ZeoClient.connect(
        harness.server().address(), LONG, ZeoLimits.DEFAULT, Optional.of(TlsContext.load(options)));
  }

  private static void assertServes(ServerHarness harness, TlsOptions options) {
    try (ZeoClient client = connect(harness, options)) {
      assertThat(client.register("1", false)).isEqualTo(Tid.NONE);
    }
  }

  /** Tries as this client; the client's error, once the server has said this. */
  private static String refused(ServerHarness harness, TlsOptions options, String... texts) {
    try (Logged log = new Logged("ZEO")) {
      ZeoException error = error(harness, options);
      await()
          .atMost(LONG)
          .untilAsserted(
              () ->
                  assertThat(refusals(log))
                      .singleElement()
                      .satisfies(
                          event ->
                              assertThat(event.getFormattedMessage())
                                  .startsWith("closing the connection of 127.0.0.1:")
                                  .contains(texts)));
      assertThat(refusals(log).getFirst().getThrowableProxy()).isNull();
      return String.valueOf(error.getMessage());
    }
  }

  /** Without what is said of our own certificates when they are read. */
  private static List<ILoggingEvent> refusals(Logged log) {
    return log.warnings().stream()
        .filter(event -> event.getFormattedMessage().startsWith("closing the connection of "))
        .toList();
  }

  private static ZeoException error(ServerHarness harness, TlsOptions options) {
    // With TLS 1.3 the server's verdict may come with the first answer only.
    try (ZeoClient client = connect(harness, options)) {
      client.register("1", false);
    } catch (ZeoException e) {
      return e;
    }
    throw new AssertionError("it was let in");
  }

  @Test
  void aGoodClientIsServed() {
    try (ServerHarness harness = serve()) {
      assertServes(harness, clientOptions);
      assertServes(harness, clientOptions.withServerHostname("other.org").withCheckHostname(false));
    }
  }

  @Test
  void theLogSaysWhichCheckFailed() {
    Identity other = TestCertificates.authority(directory, "Other", TOMORROW);
    Identity stranger = TestCertificates.issue(directory, other, "stranger", TOMORROW);
    try (ServerHarness harness = serve()) {
      assertThat(
              refused(
                  harness,
                  clientOptions.withCertificate(stranger.file()),
                  "TLS: the certificate CN=stranger is not signed by any of " + authorities,
                  "(CN=Authority)"))
          .contains("the server refused our certificate CN=stranger: ");
      assertThat(
              refused(
                  harness,
                  TlsOptions.DEFAULT.withAuthenticate(authorities).withServerHostname("zodb.org"),
                  "TLS: the client sent no certificate"))
          .startsWith("the server at 127.0.0.1:");
      assertThat(
              refused(
                  harness,
                  clientOptions.withAuthenticate(other.certificateFile()),
                  "TLS: the client refused our certificate CN=server: "))
          .contains("the certificate CN=server is not signed by any of ", "(CN=Other)");
      assertThat(
              refused(
                  harness,
                  clientOptions.withServerHostname("other.org"),
                  "TLS: the client refused our certificate CN=server: "))
          .contains("the certificate CN=server is not good: ", "other.org");
      assertServes(harness, clientOptions);
    }
  }

  /** Those that are trusted themselves too: there the JDK would not look. */
  @Test
  void whatHasExpiredIsRefused() {
    Identity old = TestCertificates.authority(directory, "Old", YESTERDAY);
    Identity ofOld = TestCertificates.issue(directory, old, "of-old", TOMORROW);
    serverOptions = serverOptions.withAuthenticate(old.certificateFile());
    try (ServerHarness harness = serve()) {
      refused(
          harness,
          clientOptions.withCertificate(ofOld.file()),
          "CN=of-old is signed by CN=Old, which expired on " + YESTERDAY);
      refused(harness, clientOptions.withCertificate(old.file()), "CN=Old expired on " + YESTERDAY);
    }
    // Trusted itself, whoever has signed it.
    serverOptions = serverOptions.withAuthenticate(ofOld.certificateFile());
    try (ServerHarness harness = serve()) {
      assertServes(harness, clientOptions.withCertificate(ofOld.file()));
    }
  }

  @Test
  void whoIsSilentIsClosedInTimeAndOthersAreServed() throws IOException {
    try (ServerHarness harness =
            serve(ZeoLimits.DEFAULT.withHandshakeTimeout(Duration.ofSeconds(5)));
        Logged log = new Logged("ZEO");
        Socket silent = new Socket(InetAddress.getLoopbackAddress(), harness.port());
        Socket slow = new Socket(InetAddress.getLoopbackAddress(), harness.port())) {
      slow.getOutputStream().write(new byte[] {22, 3, 1});
      assertServes(harness, clientOptions);
      assertThat(silent.getInputStream().read()).isEqualTo(-1);
      assertThat(slow.getInputStream().read()).isEqualTo(-1);
      await().atMost(LONG).until(() -> log.warnings("no TLS handshake in time").size() == 2);
      assertThat(log.warnings("not even its beginning: a plain ZEO client?")).hasSize(1);
      await().atMost(LONG).until(() -> harness.server().connections() == 0);
      assertThat(log.warnings()).hasSize(2);
    }
  }

  @Test
  void whatIsNoTlsIsNamed() throws IOException {
    try (ServerHarness harness = serve();
        Logged log = new Logged("ZEO");
        Socket plain = new Socket(InetAddress.getLoopbackAddress(), harness.port())) {
      plain.getOutputStream().write("\0\0\0\4ruok".getBytes(StandardCharsets.UTF_8));
      await()
          .atMost(LONG)
          .until(
              () ->
                  log.warnings("what the client sends is not TLS at all: a plain ZEO client?")
                          .size()
                      == 1);
    }
  }

  @Test
  void aPlainServerSaysThatTheClientUsesTls() {
    try (ServerHarness harness = new ServerHarness(storage, ZeoServerOptions.DEFAULT)) {
      assertThat(refused(harness, clientOptions, "what it sends is TLS, which is not configured"))
          .contains("what the server sends is not TLS at all: a plain ZEO server?");
    }
  }

  /** Two ends in this process, with the handshake done. */
  private record Ends(ByteConnection server, ClientConnection below, ByteConnection client)
      implements AutoCloseable {
    @Override
    public void close() {
      server.close();
      client.close();
    }
  }

  private Ends ends(ExecutorService executor) throws Exception {
    try (ByteListener listener =
        ByteListener.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      ClientConnection below = ClientConnection.open(listener.address(), LONG);
      ByteConnection client = TlsContext.load(clientOptions).client(below, null);
      ByteConnection server = TlsContext.load(serverOptions).server(listener.accept());
      Future<?> handshake =
          executor.submit(
              () -> {
                server.handshake();
                return null;
              });
      below.begin(LONG);
      client.handshake();
      handshake.get();
      return new Ends(server, below, client);
    }
  }

  @Test
  void closeEndsReadsAndWritesUnderWay() throws Exception {
    try (ExecutorService executor = Executors.newFixedThreadPool(2);
        Ends ends = ends(executor)) {
      Future<?> read = executor.submit(() -> ends.server().read(new byte[100], 0, 100));
      byte[] much = new byte[64 << 20];
      Future<?> write =
          executor.submit(
              () -> {
                ends.server().write(much, 0, much.length);
                return null;
              });
      // Some of it has come; nobody reads the rest, so the writer waits.
      ends.below().begin(LONG);
      assertThat(ends.client().read(new byte[1], 0, 1)).isEqualTo(1);
      ends.server().close();
      for (Future<?> each : Arrays.asList(read, write)) {
        assertThatThrownBy(each::get).hasCauseInstanceOf(IOException.class);
      }
    }
  }

  @Test
  void bytesOfAllLengthsGoBothWaysAtOnce() throws Exception {
    byte[] sent = new byte[3_000_000];
    for (int n = 0; n < sent.length; n++) {
      sent[n] = (byte) (n * 31 + n / 251);
    }
    try (ExecutorService executor = Executors.newFixedThreadPool(2);
        Ends ends = ends(executor)) {
      // The server writes and reads at once, on two threads; the client first reads, then writes.
      Future<?> write =
          executor.submit(
              () -> {
                int length = 1;
                for (int at = 0; at < sent.length; at += length) {
                  length = Math.min(sent.length - at, length * 3 % 70_000 + 1);
                  ends.server().write(sent, at, length);
                }
                return null;
              });
      Future<byte[]> back = executor.submit(() -> readAll(ends.server(), sent.length));
      ends.below().begin(LONG);
      assertThat(readAll(ends.client(), sent.length)).isEqualTo(sent);
      ends.client().write(sent, 0, sent.length);
      write.get();
      assertThat(back.get()).isEqualTo(sent);
      ends.client().close();
      assertThat(ends.server().read(new byte[1], 0, 1)).isEqualTo(-1);
    }
  }

  private static byte[] readAll(ByteConnection from, int length) throws IOException {
    byte[] bytes = new byte[length];
    int at = 0;
    while (at < length) {
      int count = from.read(bytes, at, Math.min(length - at, at % 1000 + 1));
      assertThat(count).isPositive();
      at += count;
    }
    return bytes;
  }
}
