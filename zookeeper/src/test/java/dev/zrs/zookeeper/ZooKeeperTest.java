package dev.zrs.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryForever;
import org.apache.curator.test.InstanceSpec;
import org.apache.curator.test.TestingServer;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Registration and discovery against a real ZooKeeper server. */
@Timeout(120)
@SuppressWarnings("NullAway.Init") // the fields are set before each test
final class ZooKeeperTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String PATH = "/db/replication/providers";
  private static final ServerAddress ADDRESS = new ServerAddress("localhost", 8101);

  private TestingServer server;
  private CuratorFramework other;

  @BeforeEach
  void open() throws Exception {
    server = new TestingServer(InstanceSpec.newInstanceSpec(), true);
    other = CuratorFrameworkFactory.newClient(server.getConnectString(), new RetryForever(100));
    other.start();
    other.create().creatingParentsIfNeeded().forPath(PATH, new byte[0]);
  }

  @AfterEach
  void close() throws Exception {
    other.close();
    server.close();
  }

  private ZooKeeperConnection connect() {
    return ZooKeeperConnection.open(
        ZooKeeperOptions.of(server.getConnectString()), InstantSource.system());
  }

  private void awaitNodes(String... names) {
    await()
        .atMost(LIMIT)
        .ignoreExceptions()
        .untilAsserted(
            () -> assertThat(other.getChildren().forPath(PATH)).containsExactlyInAnyOrder(names));
  }

  /**
   * Ends a session, as its time-out would: who knows its password may take it over, and close it.
   */
  private void end(ZooKeeper session) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper thief =
        new ZooKeeper(
            server.getConnectString(),
            session.getSessionTimeout(),
            event -> connected.countDown(),
            session.getSessionId(),
            session.getSessionPasswd());
    assertThat(connected.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    thief.close();
  }

  private static void awaitRegistered(Registration registration) {
    await().atMost(LIMIT).until(() -> registration.problem().isEmpty());
  }

  @Test
  void a_server_is_registered_as_zc_zk_does_it_and_removed_at_once_when_it_stops()
      throws Exception {
    try (ZooKeeperConnection connection = connect()) {
      Registration registration = Registration.start(connection, PATH, ADDRESS, false);
      awaitRegistered(registration);
      awaitNodes("localhost:8101");
      Stat stat = new Stat();
      byte[] data = other.getData().storingStatIn(stat).forPath(PATH + "/localhost:8101");
      assertThat(new String(data, StandardCharsets.UTF_8))
          .isEqualTo("{\"pid\":" + ProcessHandle.current().pid() + "}");
      assertThat(stat.getEphemeralOwner()).isNotZero();
      registration.close();
      assertThat(other.getChildren().forPath(PATH)).isEmpty();
    }
  }

  @Test
  void it_comes_back_after_a_lost_session_after_a_removal_and_after_a_restart() throws Exception {
    try (ZooKeeperConnection connection = connect();
        Registration registration = Registration.start(connection, PATH, ADDRESS, false)) {
      awaitRegistered(registration);
      long session = connection.sessionId();
      end(connection.client().getZookeeperClient().getZooKeeper());
      await().atMost(LIMIT).ignoreExceptions().until(() -> connection.sessionId() != session);
      await()
          .atMost(LIMIT)
          .ignoreExceptions()
          .until(
              () ->
                  other.checkExists().forPath(PATH + "/localhost:8101").getEphemeralOwner()
                      == connection.sessionId());
      awaitNodes("localhost:8101");
      other.delete().forPath(PATH + "/localhost:8101");
      awaitNodes("localhost:8101");

      server.restart();
      awaitNodes("localhost:8101");
    }
    awaitNodes();
  }

  @Test
  void a_missing_path_is_named_waited_for_and_made_if_that_is_wanted() throws Exception {
    try (ZooKeeperConnection connection = connect()) {
      try (Registration waiting = Registration.start(connection, "/other/place", ADDRESS, false)) {
        await()
            .atMost(LIMIT)
            .until(() -> waiting.problem().orElse("").contains("there is no node /other"));
        other.create().creatingParentsIfNeeded().forPath("/other/place");
        awaitRegistered(waiting);
      }
      try (Registration making = Registration.start(connection, "/made/here", ADDRESS, true)) {
        awaitRegistered(making);
        assertThat(other.getChildren().forPath("/made/here")).containsExactly("localhost:8101");
      }
    }
  }

  @Test
  void another_server_of_the_same_name_is_waited_for() throws Exception {
    try (ZooKeeperConnection first = connect();
        ZooKeeperConnection second = connect()) {
      Registration holder = Registration.start(first, PATH, ADDRESS, false);
      awaitRegistered(holder);
      try (Registration waiting = Registration.start(second, PATH, ADDRESS, false)) {
        await()
            .atMost(LIMIT)
            .until(() -> waiting.problem().orElse("").contains("by another session"));
        holder.close();
        awaitRegistered(waiting);
        awaitNodes("localhost:8101");
      }
    }
  }

  @Test
  void addresses_are_found_and_their_changes_noticed_and_what_is_none_is_passed_over()
      throws Exception {
    other.create().forPath(PATH + "/not an address", "{\"x\":1}".getBytes(StandardCharsets.UTF_8));
    other
        .create()
        .forPath(PATH + "/b.example:8102", "no properties".getBytes(StandardCharsets.UTF_8));
    Signal changes = new Signal();
    try (ZooKeeperConnection connection = connect();
        Discovery discovery = Discovery.start(connection, PATH, changes::raise)) {
      ServerAddress b = new ServerAddress("b.example", 8102);
      ServerAddress a = new ServerAddress("::1", 8101);
      await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(b)));
      assertThat(discovery.problem()).isEmpty();
      other.create().forPath(PATH + "/[::1]:8101");
      await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(a, b)));
      other.delete().forPath(PATH + "/[::1]:8101");
      await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(b)));
      // An old one may belong to another database by now.
      other.delete().forPath(PATH + "/b.example:8102");
      await().atMost(LIMIT).until(() -> discovery.problem().isPresent());
      assertThat(discovery.problem().orElseThrow()).contains("nobody is registered");
      assertThat(discovery.addresses()).isEmpty();
    }
  }

  @Test
  void links_of_zc_zk_are_followed() throws Exception {
    other
        .setData()
        .forPath(
            "/db", "{\"alias ->\":\"./replication\",\"n\":1}".getBytes(StandardCharsets.UTF_8));
    other
        .create()
        .forPath("/loop", "{\"a ->\":\"b\",\"b ->\":\"/loop/a\"}".getBytes(StandardCharsets.UTF_8));
    assertThat(Paths.resolve(other, "/db/alias/providers")).isEqualTo(PATH);
    assertThat(Paths.resolve(other, PATH + "/../providers/")).isEqualTo(PATH);
    assertThatThrownBy(() -> Paths.resolve(other, "/loop/a"))
        .isInstanceOf(ZooKeeperException.class)
        .hasMessageContaining("in a circle");
    assertThatThrownBy(() -> Paths.resolve(other, "/db/nothing/x"))
        .isInstanceOf(KeeperException.NoNodeException.class)
        .hasMessageContaining("/db/nothing");
  }

  @Test
  void an_ensemble_that_is_away_is_said_to_be_and_known_addresses_stay() throws Exception {
    other.create().forPath(PATH + "/b.example:8102");
    try (ZooKeeperConnection connection = connect();
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      await().atMost(LIMIT).until(() -> discovery.addresses().size() == 1);
      assertThat(connection.awaySince()).isEmpty();
      server.stop();
      await().atMost(LIMIT).until(() -> connection.awaySince().isPresent());
      await()
          .atMost(LIMIT)
          .until(() -> discovery.problem().orElse("").contains("can't be reached"));
      assertThat(discovery.addresses()).hasSize(1);
      server.restart();
      await().atMost(LIMIT).until(() -> discovery.problem().isEmpty());
      assertThat(connection.awaySince()).isEmpty();
    }
  }

  @Test
  void a_bad_connection_string_is_named() {
    for (String bad : List.of("", "a:b:c/", "host:1/a/", "host:port")) {
      assertThatThrownBy(
              () ->
                  ZooKeeperConnection.open(ZooKeeperOptions.of(bad), InstantSource.system())
                      .close())
          .as("'%s'", bad)
          .isInstanceOf(ZooKeeperException.class)
          .hasMessageContaining("'" + bad + "' is no connection string");
    }
  }
}
