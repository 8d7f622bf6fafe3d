package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ZeoServerTest {
  @TempDir private Path directory = Path.of("unset");

  private static ZeoServer server(ServerHarness harness, SocketAddress address) {
    return new ZeoServer(
        address,
        Map.of("1", new ServedStorage(harness.storage(), false)),
        ZeoServerOptions.DEFAULT);
  }

  private static void assertServes(SocketAddress address) {
    try (ZeoClient client = ZeoClient.connect(address, Duration.ofSeconds(20), ZeoLimits.DEFAULT)) {
      assertThat(client.register("1", true)).isEqualTo(Tid.NONE);
    }
  }

  @Test
  void busyPortIsNamed() {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        ZeoServer second = server(harness, harness.server().address())) {
      assertThatThrownBy(second::start)
          .isInstanceOf(ZeoException.class)
          .hasMessageStartingWith("can't listen on 127.0.0.1:" + harness.port() + ": ");
    }
  }

  @Test
  void listensOnUnixSocket() throws IOException {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("zeo.sock"));
    try (ServerSocketChannel killed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      killed.bind(address);
    }
    assertThat(address.getPath()).exists();
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        ZeoServer unix = server(harness, address);
        ZeoServer second = server(harness, address)) {
      unix.start();
      assertThatThrownBy(second::start).isInstanceOf(ZeoException.class);
      assertServes(address);
    }
    assertThat(Files.exists(address.getPath())).isFalse();
  }

  @Test
  void listensOnIpv6() {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        ZeoServer server =
            server(harness, new InetSocketAddress(InetAddress.ofLiteral("::1"), 0))) {
      server.start();
      assertServes(server.address());
    }
  }

  @Test
  void closeAbortsWhatIsNotFinished() throws IOException {
    ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
    try (RawClient client = RawClient.register(harness.port())) {
      client.begin(1, Oid.ROOT, Tid.NONE, new byte[] {1});
      client.require("vote", 1L);
      harness.server().close();
      assertThat(harness.storage().commitLock().holder()).isEmpty();
      assertThat(harness.storage().lastTransaction()).isEqualTo(Tid.NONE);
      assertThat(client.isClosed()).isTrue();
    } finally {
      harness.close();
    }
  }

  /** Python's client does not come back to an address that took its connection and closed it. */
  @RepeatedTest(30)
  void whoIsDisconnectedByTheStopIsRefusedWhenItComesBack() throws Exception {
    ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
    SocketAddress address = harness.server().address();
    List<Future<?>> back = new ArrayList<>();
    try (ExecutorService executor = Executors.newFixedThreadPool(4)) {
      for (int n = 0; n < 4; n++) {
        RawClient client = RawClient.register(harness.port());
        back.add(
            executor.submit(
                () -> {
                  try (client;
                      Socket again = new Socket()) {
                    assertThat(client.isClosed()).isTrue();
                    assertThatThrownBy(() -> again.connect(address))
                        .isInstanceOf(ConnectException.class);
                  }
                  return null;
                }));
      }
      harness.close();
      for (Future<?> each : back) {
        each.get();
      }
    }
  }

  @Test
  void logsWhatWatchersLookFor() throws IOException {
    Logger logger = (Logger) LoggerFactory.getLogger("ZEO");
    ListAppender<ILoggingEvent> events = new ListAppender<>();
    events.start();
    logger.addAppender(events);
    try (ServerHarness harness =
            new ServerHarness(
                directory,
                ZeoServerOptions.DEFAULT.withTransactionTimeout(Duration.ofMillis(200)));
        RawClient client = RawClient.register(harness.port())) {
      client.require("set_client_label", "label");
      client.begin(1, Oid.ROOT, Tid.NONE, new byte[] {1});
      client.require("vote", 1L);
      assertThat(client.isClosed()).isTrue();
      await().until(() -> harness.server().connections() == 0);
    } finally {
      logger.detachAppender(events);
    }
    assertThat(events.list)
        .anySatisfy(
            event -> assertThat(event.getFormattedMessage()).startsWith("listening on ('127"))
        .anySatisfy(
            event -> assertThat(event.getFormattedMessage()).isEqualTo("received handshake 'Z5'"))
        .anySatisfy(
            event -> {
              assertThat(event.getLoggerName()).isEqualTo("ZEO.StorageServer");
              assertThat(event.getFormattedMessage())
                  .matches("\\(label 127.0.0.1:\\d+\\) Transaction timeout after 0.2 seconds");
              assertThat(event.getMarkerList()).contains(ClientLog.CRITICAL);
            })
        .anySatisfy(
            event ->
                assertThat(event.getFormattedMessage())
                    .endsWith("disconnected during locked transaction"));
  }
}
