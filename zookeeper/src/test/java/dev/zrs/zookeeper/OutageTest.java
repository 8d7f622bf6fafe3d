package dev.zrs.zookeeper;

import static dev.zrs.zookeeper.TestNetwork.LIMIT;
import static dev.zrs.zookeeper.TestNetwork.SESSION;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens to sessions, to ZooKeeper and to the network before it: soon after, a server is
 * registered once, by the session that there is, and found. A failure names its seed; {@code
 * -Dzrs.seed=N} tries that one again.
 */
@Timeout(240)
@SuppressWarnings("NullAway.Init") // the fields are set before each test
final class OutageTest {
  private static final boolean LONG = System.getenv("ZRS_LONG") != null;
  private static final int LONG_ROUNDS = 20;
  private static final int STEPS = LONG ? 15 : 4;
  private static final int MOST_FAULTS = 3;
  private static final Logger LOG = LoggerFactory.getLogger(OutageTest.class);
  private static final String PATH = "/db/providers";
  private static final ServerAddress ADDRESS = new ServerAddress("localhost", 8101);

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
    TestNetwork.awaitNoThreads();
  }

  @Test
  void after_a_network_that_was_silent_for_longer_than_the_session_a_server_is_registered_again()
      throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect();
        Registration registration = Registration.start(connection, PATH, ADDRESS, false);
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      zookeeper.awaitWell(connection, registration, discovery);
      long session = connection.sessionId();
      zookeeper.silence(LIMIT);
      await().atMost(LIMIT).until(() -> connection.awaySince().isPresent());
      try (CuratorFramework client = zookeeper.other()) {
        await().atMost(LIMIT).until(() -> client.getChildren().forPath(PATH).isEmpty());
      }
      assertThat(discovery.addresses()).containsExactly(ADDRESS);
      zookeeper.network().heal();
      zookeeper.awaitWell(connection, registration, discovery);
      assertThat(connection.sessionId()).isNotEqualTo(session);
    }
  }

  @Test
  void a_short_cut_changes_nothing() throws Exception {
    AtomicInteger changes = new AtomicInteger();
    try (ZooKeeperConnection connection = zookeeper.connect(TestNetwork.LONG_SESSION);
        Registration registration = Registration.start(connection, PATH, ADDRESS, false);
        Discovery discovery = Discovery.start(connection, PATH, changes::incrementAndGet)) {
      zookeeper.awaitWell(connection, registration, discovery);
      long session = connection.sessionId();
      int before = changes.get();
      int connections = zookeeper.network().connections();
      zookeeper.resetAll();
      await().atMost(LIMIT).until(() -> zookeeper.network().connections() > connections);
      zookeeper.awaitWell(connection, registration, discovery);
      assertThat(connection.sessionId()).isEqualTo(session);
      assertThat(changes.get()).isEqualTo(before);
    }
  }

  @Test
  void a_zookeeper_without_its_data_is_told_again_once_the_path_is_there() throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect();
        Registration registration = Registration.start(connection, PATH, ADDRESS, false);
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      zookeeper.awaitWell(connection, registration, discovery);
      zookeeper.restart(false);
      await()
          .atMost(LIMIT)
          .until(() -> registration.problem().orElse("").contains("there is no node /db in"));
      await()
          .atMost(LIMIT)
          .until(() -> discovery.problem().orElse("").contains("there is no node /db in"));
      assertThat(discovery.addresses()).isEmpty();
      zookeeper.make(PATH);
      zookeeper.awaitWell(connection, registration, discovery);
    }
  }

  @Test
  void a_zookeeper_without_its_data_is_given_the_path_if_that_is_wanted() throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect();
        Registration registration = Registration.start(connection, PATH, ADDRESS, true);
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      zookeeper.awaitWell(connection, registration, discovery);
      zookeeper.restart(false);
      zookeeper.awaitWell(connection, registration, discovery);
    }
  }

  @Test
  void what_comes_before_zookeeper_waits_for_it_and_can_be_closed_meanwhile() throws Exception {
    zookeeper.stop();
    try (ZooKeeperConnection connection = zookeeper.connect()) {
      Registration early = Registration.start(connection, PATH, ADDRESS, false);
      Discovery looking = Discovery.start(connection, PATH, () -> {});
      await()
          .atMost(LIMIT)
          .until(
              () ->
                  early.problem().orElse("").endsWith("can't be reached")
                      && looking.problem().orElse("").endsWith("can't be reached"));
      early.close();
      looking.close();
      try (Registration registration = Registration.start(connection, PATH, ADDRESS, false);
          Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
        zookeeper.restart(true);
        zookeeper.awaitWell(connection, registration, discovery);
      }
    }
  }

  @Test
  void a_silent_network_does_not_keep_it_from_ending() throws Exception {
    try (ZooKeeperConnection connection = zookeeper.connect(TestNetwork.LONG_SESSION);
        Registration registration = Registration.start(connection, PATH, ADDRESS, false);
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      zookeeper.awaitWell(connection, registration, discovery);
      zookeeper.silence(LIMIT.multipliedBy(4));
    }
    TestNetwork.awaitNoThreads();
  }

  private enum Fault {
    EXPIRY,
    REMOVAL,
    RESTART,
    NEW_STORE,
    RESETS,
    SHORT_SILENCE,
    LONG_SILENCE,
    REFUSAL
  }

  private void harm(Fault fault, ZooKeeperConnection connection, Random random) throws Exception {
    switch (fault) {
      case EXPIRY -> {
        ZooKeeper session = connection.client().getZookeeperClient().getZooKeeper();
        if (session.getSessionId() != 0) { // otherwise there is none yet
          zookeeper.end(session);
        }
      }
      case REMOVAL -> {
        try (CuratorFramework client = zookeeper.other()) {
          client.delete().quietly().forPath(PATH + "/" + ADDRESS.text());
        }
      }
      case RESTART -> zookeeper.restart(true);
      case NEW_STORE -> zookeeper.restart(false);
      case RESETS -> zookeeper.resetAll();
      case SHORT_SILENCE -> zookeeper.silence(part(SESSION, random));
      case LONG_SILENCE -> zookeeper.silence(SESSION.multipliedBy(2).plus(part(SESSION, random)));
      case REFUSAL -> {
        zookeeper.network().refuse(part(SESSION.multipliedBy(3), random));
        zookeeper.resetAll();
      }
    }
  }

  private static Duration part(Duration most, Random random) {
    return Duration.ofMillis(random.nextLong(most.toMillis()));
  }

  /** Of the rounds: the one that is asked for, a known one, or many new ones. */
  static LongStream seeds() {
    Long wanted = Long.getLong("zrs.seed");
    if (wanted != null) {
      return LongStream.of(wanted);
    }
    long first = LONG ? System.currentTimeMillis() : 1;
    return LongStream.range(first, first + (LONG ? LONG_ROUNDS : 1));
  }

  @Timeout(3_600)
  @ParameterizedTest
  @MethodSource("seeds")
  void after_anything_a_server_is_registered_once_and_found(long seed) throws Exception {
    LOG.info("seed {}", seed);
    Random random = new Random(seed);
    try (ZooKeeperConnection connection = zookeeper.connect();
        Registration registration = Registration.start(connection, PATH, ADDRESS, true);
        Discovery discovery = Discovery.start(connection, PATH, () -> {})) {
      zookeeper.awaitWell(connection, registration, discovery);
      for (int step = 0; step < STEPS; step++) {
        List<Fault> faults =
            random
                .ints(random.nextInt(1, MOST_FAULTS + 1), 0, Fault.values().length)
                .mapToObj(number -> Fault.values()[number])
                .toList();
        LOG.info("seed {}, step {}: {}", seed, step, faults);
        for (Fault fault : faults) {
          harm(fault, connection, random);
          Thread.sleep(part(SESSION, random));
        }
        zookeeper.awaitWell(connection, registration, discovery);
      }
    }
  }
}
