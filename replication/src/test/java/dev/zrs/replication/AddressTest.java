package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Where a primary listens, and how a secondary finds it. */
@Timeout(60)
final class AddressTest {
  @TempDir private Path directory = Path.of("unset");

  private ReplicationSecondary follower(
      InetSocketAddress upstream, FileStorage storage, HostLookup.Resolver resolver) {
    ReplicationSecondary follower =
        new ReplicationSecondary(
            Upstream.at(upstream),
            storage,
            ReplicationTest.options(Duration.ofSeconds(10)),
            InstantSource.system(),
            Optional.empty(),
            resolver);
    follower.start();
    return follower;
  }

  @Test
  void a_file_that_is_no_socket_is_left_alone() throws IOException {
    Path file = directory.resolve("Data.fs");
    Files.writeString(file, "precious");
    for (Path path :
        new Path[] {file, directory, Files.createSymbolicLink(file.resolveSibling("link"), file)}) {
      assertThatThrownBy(() -> Listener.open(UnixDomainSocketAddress.of(path)))
          .isInstanceOf(ReplicationException.class)
          .hasMessageContaining(path.toString())
          .hasMessageContaining("no socket");
    }
    assertThat(file).hasContent("precious");
  }

  @Test
  void the_socket_of_a_killed_server_is_replaced_and_that_of_a_living_one_is_not()
      throws IOException {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("socket"));
    try (ServerSocketChannel killed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      killed.bind(address);
    }
    assertThat(address.getPath()).exists();
    try (Listener listener = Listener.open(address)) {
      assertThat(listener.address()).isEqualTo(address);
      assertThatThrownBy(() -> Listener.open(address))
          .isInstanceOf(ReplicationException.class)
          .hasMessageContaining("in use");
      assertThat(address.getPath()).exists();
    }
    assertThat(address.getPath()).doesNotExist();
  }

  @Test
  void an_unknown_host_is_named_and_asked_for_again() {
    try (FileStorage storage = Replica.in(directory, "data").open();
        ReplicationSecondary follower =
            follower(
                InetSocketAddress.createUnresolved("primary.invalid", 1),
                storage,
                host -> {
                  throw new UnknownHostException(host);
                })) {
      await().atMost(ReplicationTest.LIMIT).until(() -> follower.status().lastError().isPresent());
      assertThat(follower.status().lastError())
          .hasValue("connecting failed: unknown host primary.invalid");
      assertThat(follower.status().upstream()).isEqualTo("primary.invalid:1");
    }
  }

  @Test
  @SuppressWarnings("try") // how long closing takes is what is tested
  void a_name_server_that_does_not_answer_does_not_hold_up_the_stop() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    try (FileStorage storage = Replica.in(directory, "data").open();
        ReplicationSecondary follower =
            follower(
                InetSocketAddress.createUnresolved("primary.invalid", 1),
                storage,
                host -> {
                  asked.countDown();
                  awaitQuietly(answer);
                  throw new UnknownHostException(host);
                })) {
      asked.await();
      long began = System.nanoTime();
      follower.close();
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(3));
      assertThat(follower.status().state()).isEqualTo(SecondaryState.CLOSED);
    } finally {
      answer.countDown();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void all_addresses_of_a_host_are_tried() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open()) {
      Tid tid = Replica.commit(a, new Random(1));
      try (ReplicationPrimary primary = ReplicationTest.primary(a);
          ReplicationSecondary follower =
              follower(
                  InetSocketAddress.createUnresolved(
                      "primary", ((InetSocketAddress) primary.address()).getPort()),
                  b,
                  host ->
                      new InetAddress[] {
                        // Nobody listens at the first one.
                        InetAddress.getByAddress(new byte[] {127, 0, 0, 9}),
                        InetAddress.getLoopbackAddress()
                      })) {
        ReplicationTest.awaitTransaction(b, tid);
        assertThat(follower.status().lastError()).isEmpty();
      }
    }
    first.assertEquals(second);
  }
}
