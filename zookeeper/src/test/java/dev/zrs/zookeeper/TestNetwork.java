package dev.zrs.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.testkit.NetworkProxy;
import dev.zrs.testkit.ProxiedConnection;
import dev.zrs.testkit.Way;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.test.InstanceSpec;
import org.apache.curator.test.TestingServer;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * A ZooKeeper server with a network before it, and with another way to it for who wants to see what
 * there really is. For one thread.
 */
final class TestNetwork implements AutoCloseable {
  static final Duration LIMIT = Duration.ofSeconds(90);

  /** How long a session lives in silence; the shortest that the servers allow. */
  static final Duration SESSION = Duration.ofSeconds(2);

  /** The longest that they allow: what does not depend on luck with time. */
  static final Duration LONG_SESSION = Duration.ofSeconds(20);

  private static final int TICK_MILLISECONDS = 1_000;
  private static final String[] CLIENT_THREADS = {
    "zookeeper register", "zookeeper watch", "Curator-", "-SendThread(", "-EventThread"
  };

  private final Path directory;
  private final int port = InstanceSpec.getRandomPort();
  private final NetworkProxy network;
  private TestingServer server;
  private int stores;

  TestNetwork(Path directory) throws Exception {
    this.directory = directory;
    this.server = open();
    this.network = new NetworkProxy(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
  }

  /** On the port that it always has, even if somebody else has it for a moment. */
  private TestingServer open() throws Exception {
    Path store = Files.createDirectories(directory.resolve("zookeeper" + stores));
    InstanceSpec spec =
        new InstanceSpec(store.toFile(), port, -1, -1, false, 1, TICK_MILLISECONDS, -1);
    return await()
        .atMost(LIMIT)
        .ignoreException(BindException.class)
        .until(() -> new TestingServer(spec, true), started -> true);
  }

  /** The way that has the network in it. */
  String connectionString() {
    return "127.0.0.1:" + network.address().getPort();
  }

  ZooKeeperConnection connect() {
    return connect(SESSION);
  }

  ZooKeeperConnection connect(Duration session) {
    return ZooKeeperConnection.open(
        ZooKeeperOptions.of(connectionString()).withSessionTimeout(session),
        InstantSource.system());
  }

  /** For a look, or a change, by way of a session that knows nothing of what was before. */
  CuratorFramework other() {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient("127.0.0.1:" + port, new RetryNTimes(20, 500));
    client.start();
    return client;
  }

  void make(String path) throws Exception {
    try (CuratorFramework client = other()) {
      client.create().creatingParentsIfNeeded().forPath(path, new byte[0]);
    }
  }

  NetworkProxy network() {
    return network;
  }

  /** The server ends; it may be {@link #restart}ed, with its data or without. */
  void stop() throws IOException {
    server.close();
  }

  void restart(boolean withData) throws Exception {
    server.close();
    if (!withData) {
      stores++;
    }
    server = open();
  }

  /** Nothing passes for a time, and nobody is told. */
  void silence(Duration time) {
    network.stall(Way.TO_SERVER, time);
    network.stall(Way.TO_CLIENT, time);
  }

  void resetAll() {
    network.each(ProxiedConnection::reset);
  }

  /** Uses somebody's session: who knows its password may. */
  ZooKeeper takeOver(ZooKeeper session) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper thief =
        new ZooKeeper(
            "127.0.0.1:" + port,
            session.getSessionTimeout(),
            event -> connected.countDown(),
            session.getSessionId(),
            session.getSessionPasswd());
    if (!connected.await(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      thief.close();
      throw new AssertionError("nobody answers who takes over a session");
    }
    return thief;
  }

  /** Ends a session, as its time-out would. */
  void end(ZooKeeper session) throws Exception {
    takeOver(session).close();
  }

  /**
   * Waits until all is well: a server is registered, by the session that its connection has and
   * with the only node there is, and it is what is found.
   */
  void awaitWell(ZooKeeperConnection connection, Registration registration, Discovery discovery) {
    String node = registration.path() + "/" + registration.address().text();
    try (CuratorFramework client = other()) {
      await()
          .atMost(LIMIT)
          .ignoreExceptions()
          .untilAsserted(
              () -> {
                assertThat(client.getChildren().forPath(registration.path()))
                    .containsExactly(registration.address().text());
                Stat stat = client.checkExists().forPath(node);
                assertThat(stat.getEphemeralOwner()).isEqualTo(connection.sessionId());
                assertThat(registration.problem()).isEmpty();
                assertThat(connection.awaySince()).isEmpty();
                assertThat(discovery.problem()).isEmpty();
                assertThat(discovery.addresses()).isEqualTo(List.of(registration.address()));
              });
    }
  }

  /** Waits until no thread of any client is left. */
  static void awaitNoThreads() {
    await()
        .atMost(LIMIT)
        .untilAsserted(
            () ->
                assertThat(Thread.getAllStackTraces().keySet())
                    .extracting(Thread::getName)
                    .allSatisfy(name -> assertThat(name).doesNotContain(CLIENT_THREADS)));
  }

  @Override
  public void close() throws IOException {
    network.close();
    server.close();
  }
}
