package dev.zrs.zookeeper;

import static dev.zrs.zookeeper.TestNetwork.LIMIT;
import static dev.zrs.zookeeper.TestNetwork.LONG_SESSION;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.spi.ILoggingEvent;
import dev.zrs.testkit.Logged;
import dev.zrs.zookeeper.ZooKeeperOptions.Credential;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who one is and what one may, and where in the tree all is. */
@Timeout(180)
@SuppressWarnings("NullAway.Init") // the fields are set before each test
final class AccessTest {
  private static final String PATH = "/db/providers";
  private static final ServerAddress ADDRESS = new ServerAddress("localhost", 8101);
  private static final String NODE = PATH + "/" + ADDRESS.text();
  private static final List<Credential> OURS = List.of(new Credential("digest", "zrs:secret"));

  @TempDir private Path directory;
  private TestNetwork zookeeper;

  @BeforeEach
  void open() throws Exception {
    zookeeper = new TestNetwork(directory);
  }

  @AfterEach
  void close() throws Exception {
    zookeeper.close();
  }

  private ZooKeeperOptions options(String root) {
    return ZooKeeperOptions.of(zookeeper.connectionString() + root)
        .withSessionTimeout(LONG_SESSION);
  }

  private static ZooKeeperConnection open(ZooKeeperOptions options) {
    return ZooKeeperConnection.open(options, InstantSource.system());
  }

  private static void awaitRegistered(Registration registration) {
    await().atMost(LIMIT).until(() -> registration.problem().isEmpty());
  }

  @Test
  void what_only_its_creator_may_use_is_kept_from_strangers() throws Exception {
    ZooKeeperOptions options = options("").withAccess(OURS, NodeAcl.CREATOR);
    try (ZooKeeperConnection connection = open(options);
        Registration registration = Registration.start(connection, PATH, ADDRESS, true);
        CuratorFramework stranger = zookeeper.other()) {
      awaitRegistered(registration);
      assertThatThrownBy(() -> stranger.getData().forPath(NODE))
          .isInstanceOf(KeeperException.NoAuthException.class);
      assertThatThrownBy(() -> stranger.getChildren().forPath(PATH))
          .isInstanceOf(KeeperException.NoAuthException.class);
      try (ZooKeeperConnection ours = open(options);
          Discovery discovery = Discovery.start(ours, PATH, () -> {})) {
        await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(ADDRESS)));
      }
    }
  }

  @Test
  void what_everybody_may_read_nobody_else_may_change() throws Exception {
    try (ZooKeeperConnection connection = open(options("").withAccess(OURS, NodeAcl.READ));
        Registration registration = Registration.start(connection, PATH, ADDRESS, true);
        CuratorFramework stranger = zookeeper.other()) {
      awaitRegistered(registration);
      assertThat(stranger.getData().forPath(NODE)).isNotEmpty();
      assertThatThrownBy(() -> stranger.setData().forPath(NODE, new byte[0]))
          .isInstanceOf(KeeperException.NoAuthException.class);
      // Others register below the same path.
      stranger.create().forPath(PATH + "/other:8102", new byte[0]);
    }
  }

  @Test
  void what_is_open_anybody_may_change() throws Exception {
    try (ZooKeeperConnection connection = open(options("").withAccess(OURS, NodeAcl.OPEN));
        Registration registration = Registration.start(connection, PATH, ADDRESS, true);
        CuratorFramework stranger = zookeeper.other()) {
      awaitRegistered(registration);
      byte[] data = "{}".getBytes(StandardCharsets.US_ASCII);
      stranger.setData().forPath(NODE, data);
      assertThat(stranger.getData().forPath(NODE)).isEqualTo(data);
    }
  }

  @Test
  void wrong_credentials_are_said_once_and_without_a_stack_trace() throws Exception {
    ZooKeeperOptions right = options("").withAccess(OURS, NodeAcl.CREATOR);
    List<Credential> wrong = List.of(new Credential("digest", "zrs:wrong"));
    try (ZooKeeperConnection connection = open(right);
        Registration registration = Registration.start(connection, PATH, ADDRESS, true)) {
      awaitRegistered(registration);
      try (Logged logged = new Logged("zc.zk");
          ZooKeeperConnection refused = open(options("").withAccess(wrong, NodeAcl.CREATOR));
          Registration failing =
              Registration.start(refused, PATH, new ServerAddress("localhost", 8102), false);
          Discovery blind = Discovery.start(refused, PATH, () -> {})) {
        String text = "does not allow it at " + PATH;
        await().atMost(LIMIT).until(() -> failing.problem().orElse("").contains(text));
        await().atMost(LIMIT).until(() -> blind.problem().orElse("").contains(text));
        assertThat(logged.warnings(text)).hasSize(2);
        assertThat(logged.warnings())
            .allSatisfy(
                event -> {
                  assertThat(event.getFormattedMessage()).doesNotContain("wrong");
                  assertThat(event.getThrowableProxy()).isNull();
                });
      }
    }
  }

  @Test
  void a_creator_without_credentials_is_told_so() throws Exception {
    try (ZooKeeperConnection connection = open(options("").withAccess(List.of(), NodeAcl.CREATOR));
        Registration registration = Registration.start(connection, PATH, ADDRESS, true)) {
      await()
          .atMost(LIMIT)
          .until(() -> registration.problem().orElse("").contains("needs credentials"));
    }
  }

  @Test
  void credentials_that_no_server_understands_are_said_to_be_refused() throws Exception {
    zookeeper.make(PATH);
    List<Credential> strange = List.of(new Credential("strange", "x"));
    try (Logged logged = new Logged("zc.zk");
        ZooKeeperConnection connection = open(options("").withAccess(strange, NodeAcl.READ));
        Registration registration = Registration.start(connection, PATH, ADDRESS, true)) {
      await()
          .atMost(LIMIT)
          .until(
              () -> registration.problem().orElse("").contains("does not accept the credentials"));
      // It goes on trying, without another word.
      await().atMost(LIMIT).until(() -> zookeeper.network().connections() > 1);
      assertThat(logged.warnings("does not accept the credentials")).hasSizeLessThan(3);
      assertThat(logged.warnings())
          .extracting(ILoggingEvent::getThrowableProxy)
          .containsOnlyNulls();
    }
  }

  @Test
  void all_is_below_the_path_of_a_connection_string_with_several_hosts() throws Exception {
    zookeeper.make("/zodb" + PATH);
    String several = "127.0.0.1:1," + zookeeper.connectionString() + "/zodb";
    try (ZooKeeperConnection connection =
            open(ZooKeeperOptions.of(several).withSessionTimeout(LONG_SESSION));
        Registration registration = Registration.start(connection, PATH, ADDRESS, false);
        Discovery discovery = Discovery.start(connection, PATH, () -> {});
        CuratorFramework other = zookeeper.other()) {
      await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(ADDRESS)));
      assertThat(other.getChildren().forPath("/zodb" + PATH)).containsExactly(ADDRESS.text());
      assertThat(registration.problem()).isEmpty();
    }
  }

  @Test
  void a_path_in_the_connection_string_that_does_not_exist_is_named_and_waited_for()
      throws Exception {
    try (ZooKeeperConnection connection = open(options("/nowhere"));
        Registration registration = Registration.start(connection, PATH, ADDRESS, true);
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      String text =
          "the path in the connection string of ZooKeeper %s/nowhere does not exist"
              .formatted(zookeeper.connectionString());
      await().atMost(LIMIT).until(() -> registration.problem().orElse("").equals(text));
      await().atMost(LIMIT).until(() -> discovery.problem().orElse("").equals(text));
      zookeeper.make("/nowhere");
      await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(ADDRESS)));
    }
  }
}
