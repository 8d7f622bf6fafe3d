package dev.zrs.zookeeper;

import static dev.zrs.zookeeper.TestNetwork.LIMIT;
import static dev.zrs.zookeeper.TestNetwork.LONG_SESSION;
import static dev.zrs.zookeeper.TestNetwork.SESSION;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whose a node is, and what is left behind. */
@Timeout(240)
@SuppressWarnings("NullAway.Init") // the fields are set before each test
final class OwnershipTest {
  private static final String PATH = "/db/providers";
  private static final ServerAddress ADDRESS = new ServerAddress("localhost", 8101);
  private static final String NODE = PATH + "/" + ADDRESS.text();

  @TempDir private Path directory;
  private TestNetwork zookeeper;

  @BeforeEach
  void open() throws Exception {
    zookeeper = new TestNetwork(directory);
    zookeeper.make(PATH);
  }

  @AfterEach
  void close() throws Exception {
    zookeeper.close();
  }

  private static void awaitProblem(Registration registration, String text) {
    await().atMost(LIMIT).until(() -> registration.problem().orElse("").contains(text));
  }

  private static void awaitRegistered(Registration registration) {
    await().atMost(LIMIT).until(() -> registration.problem().isEmpty());
  }

  @Test
  void what_another_server_has_registered_meanwhile_is_left_alone() throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect();
        CuratorFramework other = zookeeper.other()) {
      try (Registration registration = Registration.start(connection, PATH, ADDRESS, false)) {
        awaitRegistered(registration);
        zookeeper.silence(LIMIT);
        await().atMost(LIMIT).until(() -> other.checkExists().forPath(NODE) == null);
        other.create().withMode(CreateMode.EPHEMERAL).forPath(NODE, new byte[0]);
        zookeeper.network().heal();
        awaitProblem(registration, "by another session");
      }
      assertThat(other.checkExists().forPath(NODE)).isNotNull();
    }
  }

  @Test
  void what_is_left_of_an_earlier_session_is_replaced() throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect();
        Registration registration = Registration.start(connection, PATH, ADDRESS, false);
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      zookeeper.awaitWell(connection, registration, discovery);
      long first = connection.sessionId();
      ZooKeeper session = connection.client().getZookeeperClient().getZooKeeper();
      zookeeper.network().refuse(LIMIT);
      // Somebody else keeps the session alive, of which its owner thinks that it has expired.
      ZooKeeper keeper = zookeeper.takeOver(session);
      zookeeper.resetAll();
      await()
          .atMost(LIMIT)
          .ignoreExceptions()
          .until(() -> !connection.client().getZookeeperClient().getZooKeeper().equals(session));
      assertThat(keeper.exists(NODE, false).getEphemeralOwner()).isEqualTo(first);
      zookeeper.network().heal();
      zookeeper.awaitWell(connection, registration, discovery);
      assertThat(connection.sessionId()).isNotEqualTo(first);
      keeper.close();
      zookeeper.awaitWell(connection, registration, discovery);
    }
  }

  @Test
  void a_link_that_leads_elsewhere_moves_it_and_what_is_missing_is_made_where_links_lead()
      throws Exception {
    ZooKeeperOptions options =
        ZooKeeperOptions.of(zookeeper.connectionString())
            .withSessionTimeout(LONG_SESSION)
            .withAccess(List.of(), NodeAcl.OPEN);
    try (CuratorFramework other = zookeeper.other();
        ZooKeeperConnection connection =
            ZooKeeperConnection.open(options, InstantSource.system())) {
      other.create().forPath("/links", link("/db"));
      try (Registration registration =
          Registration.start(connection, "/links/to/made/here", ADDRESS, true)) {
        awaitRegistered(registration);
        assertThat(other.getChildren().forPath("/db/made/here")).containsExactly(ADDRESS.text());
        assertThat(other.getChildren().forPath("/links")).isEmpty();

        other.create().forPath("/elsewhere");
        other.setData().forPath("/links", link("/elsewhere"));
        // What the node is watched for: so that it is looked at again at once.
        other.setData().forPath("/db/made/here/" + ADDRESS.text(), new byte[0]);
        await()
            .atMost(LIMIT)
            .ignoreExceptions()
            .untilAsserted(
                () ->
                    assertThat(other.getChildren().forPath("/elsewhere/made/here"))
                        .containsExactly(ADDRESS.text()));
        assertThat(other.getChildren().forPath("/db/made/here")).isEmpty();
      }
      assertThat(other.getChildren().forPath("/elsewhere/made/here")).isEmpty();
    }
  }

  private static byte[] link(String target) {
    return "{\"to ->\":\"%s\"}".formatted(target).getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void no_watcher_is_left_behind() throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect(LONG_SESSION)) {
      Registration registration = Registration.start(connection, PATH, ADDRESS, false);
      Discovery discovery = Discovery.start(connection, PATH, () -> {});
      await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(ADDRESS)));
      discovery.close();
      assertNoWatcher(connection, PATH);
      registration.close();
      assertNoWatcher(connection, NODE);
    }
  }

  private static void assertNoWatcher(ZooKeeperConnection connection, String node) {
    assertThatThrownBy(() -> connection.client().watchers().removeAll().forPath(node))
        .isInstanceOf(KeeperException.NoWatcherException.class);
  }

  @Test
  void what_is_closed_at_any_moment_leaves_no_node() throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect(SESSION.multipliedBy(5));
        CuratorFramework other = zookeeper.other()) {
      for (int round = 0; round < 200; round++) {
        Registration registration = Registration.start(connection, PATH, ADDRESS, false);
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < round * 50_000L) {
          Thread.onSpinWait();
        }
        registration.close();
        other.sync().forPath(PATH);
        assertThat(other.getChildren().forPath(PATH)).isEmpty();
      }
    }
  }
}
