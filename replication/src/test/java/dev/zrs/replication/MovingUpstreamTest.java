package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An upstream whose addresses change, and of which there are several. */
@Timeout(120)
final class MovingUpstreamTest {
  /** Longer than any test: who connects earlier was woken. */
  private static final Duration NEVER = Duration.ofHours(1);

  private final Random random = new Random(1);

  @TempDir private Path directory = Path.of("unset");

  /** Addresses that the test changes. */
  private static final class Moving implements Upstream {
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private volatile List<SocketAddress> addresses = List.of();

    void move(SocketAddress... to) {
      addresses = List.of(to);
      watchers.forEach(Runnable::run);
    }

    @Override
    public String text() {
      return "the moving one";
    }

    @Override
    public List<SocketAddress> addresses() {
      return addresses;
    }

    @Override
    public String whyNone() {
      return "it has no address";
    }

    @Override
    public void watch(Runnable changed) {
      watchers.add(changed);
    }

    @Override
    public void close() {
      watchers.clear();
    }
  }

  private static ReplicationSecondary follow(
      Moving upstream, FileStorage storage, Duration firstDelay) {
    ReplicationSecondary secondary =
        new ReplicationSecondary(
            upstream,
            storage,
            SecondaryOptions.DEFAULT.withReconnectDelay(NEVER).withFirstReconnectDelay(firstDelay),
            InstantSource.system(),
            Optional.empty());
    secondary.start();
    return secondary;
  }

  private static void awaitWaiting(ReplicationSecondary secondary) {
    await()
        .atMost(ReplicationTest.LIMIT)
        .until(() -> secondary.status().state() == SecondaryState.WAITING);
  }

  private static SocketAddress dead() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return Objects.requireNonNull(socket.getLocalSocketAddress());
    }
  }

  @Test
  void who_waits_for_an_address_connects_as_soon_as_there_is_one() throws IOException {
    Moving upstream = new Moving();
    try (FileStorage a = Replica.in(directory, "a").open();
        FileStorage b = Replica.in(directory, "b").open();
        ReplicationSecondary secondary = follow(upstream, b, NEVER)) {
      awaitWaiting(secondary);
      assertThat(secondary.status().lastError()).contains("it has no address");
      assertThat(secondary.status().upstream()).isEqualTo("the moving one");
      upstream.move(dead());
      await()
          .atMost(ReplicationTest.LIMIT)
          .until(() -> secondary.status().lastError().orElse("").startsWith("connecting failed: "));
      Tid tid = Replica.commit(a, random);
      try (ReplicationPrimary primary = ReplicationTest.primary(a)) {
        upstream.move(primary.address());
        ReplicationTest.awaitTransaction(b, tid);
        assertThat(secondary.status().upstream()).isEqualTo(Listener.text(primary.address()));
      }
      awaitWaiting(secondary);
      // It comes back elsewhere.
      Tid next = Replica.commit(a, random);
      try (ReplicationPrimary primary = ReplicationTest.primary(a)) {
        upstream.move(primary.address());
        ReplicationTest.awaitTransaction(b, next);
        assertThat(secondary.status().connections()).isEqualTo(2);
      }
    }
  }

  @Test
  void one_that_works_is_kept_whatever_the_addresses_are() throws IOException {
    Moving upstream = new Moving();
    try (FileStorage a = Replica.in(directory, "a").open();
        FileStorage b = Replica.in(directory, "b").open();
        ReplicationPrimary primary = ReplicationTest.primary(a);
        ReplicationPrimary other = ReplicationTest.primary(a);
        ReplicationSecondary secondary = follow(upstream, b, NEVER)) {
      upstream.move(primary.address());
      ReplicationTest.awaitTransaction(b, Replica.commit(a, random));
      upstream.move(other.address());
      upstream.move();
      ReplicationTest.awaitTransaction(b, Replica.commit(a, random));
      assertThat(other.connections()).isZero();
      assertThat(secondary.status().connections()).isEqualTo(1);
    }
  }

  @Test
  void the_next_one_is_tried_when_one_fails() throws IOException {
    Moving upstream = new Moving();
    try (FileStorage a = Replica.in(directory, "a").open();
        FileStorage b = Replica.in(directory, "b").open();
        ReplicationPrimary primary = ReplicationTest.primary(a);
        ReplicationSecondary secondary = follow(upstream, b, NEVER)) {
      // In whatever order: all of them before the wait.
      upstream.move(dead(), dead(), primary.address(), dead(), dead());
      ReplicationTest.awaitTransaction(b, Replica.commit(a, random));
      assertThat(secondary.status().state()).isNotEqualTo(SecondaryState.WAITING);
    }
  }

  @Test
  void one_of_another_history_is_left_out_while_others_are_there() throws IOException {
    Moving upstream = new Moving();
    try (FileStorage a = Replica.in(directory, "a").open();
        FileStorage b = Replica.in(directory, "b").open();
        FileStorage c = Replica.in(directory, "c").open();
        ReplicationPrimary forked = ReplicationTest.primary(c);
        ReplicationSecondary secondary = follow(upstream, b, Duration.ofMillis(10))) {
      try (ReplicationPrimary good = ReplicationTest.primary(a)) {
        upstream.move(good.address());
        ReplicationTest.awaitTransaction(b, Replica.commit(a, random));
      }
      Replica.commit(c, random);
      upstream.move(forked.address());
      await()
          .atMost(ReplicationTest.LIMIT)
          .until(() -> secondary.status().state() == SecondaryState.DIVERGED);
      assertThat(secondary.status().lastError()).get().asString().contains("diverged");
      try (ReplicationPrimary good = ReplicationTest.primary(a)) {
        upstream.move(forked.address(), good.address());
        ReplicationTest.awaitTransaction(b, Replica.commit(a, random));
        assertThat(secondary.status().upstream()).isEqualTo(Listener.text(good.address()));
        assertThat(secondary.lastConnected()).contains(good.address());
      }
    }
  }

  @Test
  void the_next_one_is_followed_when_the_one_that_worked_stops() throws IOException {
    Moving upstream = new Moving();
    try (FileStorage a = Replica.in(directory, "a").open();
        FileStorage b = Replica.in(directory, "b").open();
        ReplicationPrimary one = ReplicationTest.primary(a);
        ReplicationPrimary two = ReplicationTest.primary(a);
        ReplicationSecondary secondary = follow(upstream, b, Duration.ofMillis(10))) {
      upstream.move(one.address(), two.address());
      ReplicationTest.awaitTransaction(b, Replica.commit(a, random));
      await().atMost(ReplicationTest.LIMIT).until(() -> one.connections() + two.connections() == 1);
      ReplicationPrimary followed = one.connections() == 1 ? one : two;
      followed.close();
      Tid tid = Replica.commit(a, random);
      ReplicationTest.awaitTransaction(b, tid);
      assertThat(secondary.status().connections()).isEqualTo(2);
    }
  }
}
