package dev.zrs.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.test.InstanceSpec;
import org.apache.curator.test.TestingCluster;
import org.apache.zookeeper.data.Stat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Three servers, of which one after the other is lost and comes back. */
@Timeout(300)
final class ClusterTest {
  private static final Duration LIMIT = Duration.ofMinutes(2);

  /** Long enough for any election on a slow machine. */
  private static final Duration SESSION = Duration.ofMinutes(2);

  private static final String PATH = "/providers";
  private static final ServerAddress ADDRESS = new ServerAddress("localhost", 8101);

  private static InstanceSpec server() {
    return new InstanceSpec(
        null,
        -1,
        -1,
        -1,
        true,
        -1,
        -1,
        -1,
        Map.of("maxSessionTimeout", String.valueOf(SESSION.toMillis())));
  }

  private static CuratorFramework client(String connectionString) {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(connectionString, new RetryNTimes(60, 500));
    client.start();
    return client;
  }

  private static boolean isLeader(InstanceSpec instance) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), instance.getPort())) {
      socket.getOutputStream().write("srvr".getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
          .contains("Mode: leader");
    } catch (IOException e) {
      return false;
    }
  }

  private static InstanceSpec awaitLeader(TestingCluster cluster) {
    return await()
        .atMost(LIMIT)
        .until(
            () -> cluster.getInstances().stream().filter(ClusterTest::isLeader).toList(),
            leaders -> leaders.size() == 1)
        .getFirst();
  }

  /** The node, when all is well again: asked of the servers that are left. */
  private static Stat awaitNode(TestingCluster cluster, ZooKeeperConnection connection) {
    try (CuratorFramework client = client(cluster.getConnectString())) {
      await()
          .atMost(LIMIT)
          .ignoreExceptions()
          .untilAsserted(
              () -> {
                assertThat(connection.awaySince()).isEmpty();
                assertThat(client.getChildren().forPath(PATH)).containsExactly(ADDRESS.text());
                assertThat(node(client).getEphemeralOwner()).isEqualTo(connection.sessionId());
              });
      return await().atMost(LIMIT).ignoreExceptions().until(() -> node(client), stat -> true);
    }
  }

  private static Stat node(CuratorFramework client) throws Exception {
    return client.checkExists().forPath(PATH + "/" + ADDRESS.text());
  }

  @Test
  void the_loss_of_a_server_disturbs_nobody_and_neither_does_that_of_the_leader() throws Exception {
    try (TestingCluster cluster =
        new TestingCluster(Stream.generate(ClusterTest::server).limit(3).toList())) {
      cluster.start();
      try (CuratorFramework client = client(cluster.getConnectString())) {
        client.create().forPath(PATH, new byte[0]);
      }
      AtomicInteger changes = new AtomicInteger();
      ZooKeeperOptions options =
          ZooKeeperOptions.of(cluster.getConnectString()).withSessionTimeout(SESSION);
      try (ZooKeeperConnection connection =
              ZooKeeperConnection.open(options, InstantSource.system());
          Registration registration = Registration.start(connection, PATH, ADDRESS, false);
          Discovery discovery = Discovery.start(connection, PATH, changes::incrementAndGet)) {
        await().atMost(LIMIT).until(() -> registration.problem().isEmpty());
        await().atMost(LIMIT).until(() -> discovery.problem().isEmpty());
        assertThat(connection.client().getZookeeperClient().getLastNegotiatedSessionTimeoutMs())
            .isEqualTo(Math.toIntExact(SESSION.toMillis()));
        Stat before = awaitNode(cluster, connection);
        int changesBefore = changes.get();

        InstanceSpec used =
            cluster.findConnectionInstance(connection.client().getZookeeperClient().getZooKeeper());
        assertThat(used).isNotNull();
        assertThat(cluster.killServer(used)).isTrue();
        assertThat(awaitNode(cluster, connection)).isEqualTo(before);
        assertThat(cluster.restartServer(used)).isTrue();

        InstanceSpec leader = awaitLeader(cluster);
        assertThat(cluster.killServer(leader)).isTrue();
        await().atMost(LIMIT).until(() -> !awaitLeader(cluster).equals(leader));
        assertThat(awaitNode(cluster, connection)).isEqualTo(before);
        assertThat(cluster.restartServer(leader)).isTrue();

        await().atMost(LIMIT).until(() -> registration.problem().isEmpty());
        await().atMost(LIMIT).until(() -> discovery.problem().isEmpty());
        assertThat(discovery.addresses()).isEqualTo(List.of(ADDRESS));
        assertThat(changes.get()).isEqualTo(changesBefore);
      }
    }
    TestNetwork.awaitNoThreads();
  }
}
