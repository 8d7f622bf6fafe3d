package dev.zrs.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** That the network of the other tests does what they rely on. */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // the field is set before each test
final class NetworkProxyTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private ServerSocket listener;
  private final List<AutoCloseable> open = new ArrayList<>();

  @BeforeEach
  void listen() throws IOException {
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    open.add(listener);
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  private NetworkProxy proxy(Consumer<ProxiedConnection> opened) {
    NetworkProxy proxy =
        new NetworkProxy(Objects.requireNonNull(listener.getLocalSocketAddress()), opened);
    open.add(proxy);
    return proxy;
  }

  private Socket connect(NetworkProxy proxy) throws IOException {
    Socket socket = new Socket(proxy.address().getAddress(), proxy.address().getPort());
    open.add(socket);
    return patient(socket);
  }

  private Socket accepted() throws IOException {
    Socket socket = listener.accept();
    open.add(socket);
    return patient(socket);
  }

  private static Socket patient(Socket socket) throws IOException {
    socket.setSoTimeout((int) LONG.toMillis());
    return socket;
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static void send(Socket socket, byte[] bytes, boolean end) {
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                socket.getOutputStream().write(bytes);
                if (end) {
                  socket.shutdownOutput();
                }
              } catch (IOException expected) {
                // The network has cut the connection.
              }
            });
  }

  @Test
  void it_passes_everything_on_in_both_ways_and_its_end() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    Socket client = connect(proxy);
    Socket server = accepted();
    byte[] bytes = random(3_000_000);
    send(client, bytes, true);
    assertThat(server.getInputStream().readAllBytes()).isEqualTo(bytes);
    send(server, bytes, true);
    assertThat(client.getInputStream().readAllBytes()).isEqualTo(bytes);
    assertThat(proxy.connections()).isEqualTo(1);
    await().atMost(LONG).untilAsserted(() -> proxy.each(each -> assertThat(each).isNull()));
  }

  @Test
  void a_latency_delays_and_does_not_limit() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    proxy.set(
        Way.TO_CLIENT, Traffic.GOOD.withLatency(Duration.ofMillis(400), Duration.ofMillis(20)));
    Socket client = connect(proxy);
    long began = System.nanoTime();
    byte[] bytes = random(100_000);
    send(accepted(), bytes, true);
    assertThat(client.getInputStream().readAllBytes()).isEqualTo(bytes);
    assertThat(System.nanoTime() - began).isGreaterThan(Duration.ofMillis(395).toNanos());
  }

  @Test
  void a_rate_is_kept_in_its_way_only() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    proxy.set(Way.TO_SERVER, Traffic.GOOD.withRate(100_000));
    Socket client = connect(proxy);
    Socket server = accepted();
    long began = System.nanoTime();
    send(client, random(50_000), true);
    send(server, random(5_000_000), true);
    assertThat(client.getInputStream().readAllBytes()).hasSize(5_000_000);
    assertThat(server.getInputStream().readAllBytes()).hasSize(50_000);
    assertThat(System.nanoTime() - began).isGreaterThan(Duration.ofMillis(400).toNanos());
  }

  @Test
  void what_is_stalled_goes_on_later_or_when_it_is_healed() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    Socket client = connect(proxy);
    Socket server = accepted();
    proxy.stall(Way.TO_CLIENT, LONG.multipliedBy(10));
    send(server, random(10), true);
    client.setSoTimeout(200);
    assertThatThrownBy(() -> client.getInputStream().read())
        .isInstanceOf(SocketTimeoutException.class);
    patient(client);
    proxy.heal();
    assertThat(client.getInputStream().readAllBytes()).isEqualTo(random(10));
    proxy.stall(Way.TO_SERVER, Duration.ofMillis(100));
    send(client, random(10), true);
    assertThat(server.getInputStream().readAllBytes()).isEqualTo(random(10));
  }

  @Test
  void a_cut_comes_exactly_where_it_should() throws IOException {
    NetworkProxy proxy = proxy(connection -> connection.cutAfter(Way.TO_CLIENT, 40_001));
    Socket client = connect(proxy);
    Socket server = accepted();
    send(server, random(100_000), false);
    assertThat(client.getInputStream().readAllBytes())
        .isEqualTo(Arrays.copyOf(random(100_000), 40_001));
    assertEnds(server);
  }

  /** Closed or reset. */
  private static void assertEnds(Socket socket) throws IOException {
    InputStream input = socket.getInputStream();
    try {
      assertThat(input.read()).isEqualTo(-1);
    } catch (SocketTimeoutException e) {
      throw e;
    } catch (IOException reset) {
      assertThat(reset).hasMessageContaining("reset");
    }
  }

  @Test
  void a_reset_is_one() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    Socket client = connect(proxy);
    Socket server = accepted();
    // So that it is known to be there.
    send(client, random(1), false);
    assertThat(server.getInputStream().read()).isNotNegative();
    proxy.each(ProxiedConnection::reset);
    for (Socket each : List.of(client, server)) {
      assertThatThrownBy(() -> each.getInputStream().read()).hasMessageContaining("reset");
    }
  }

  @Test
  void half_closed_the_other_way_goes_on() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    Socket client = connect(proxy);
    Socket server = accepted();
    send(server, random(5), false);
    assertThat(client.getInputStream().readNBytes(5)).isEqualTo(random(5));
    proxy.each(each -> each.halfClose(Way.TO_CLIENT));
    assertThat(client.getInputStream().read()).isEqualTo(-1);
    send(server, random(5), false);
    send(client, random(70_000), true);
    assertThat(server.getInputStream().readAllBytes()).isEqualTo(random(70_000));
  }

  @Test
  void one_byte_is_changed() throws IOException {
    NetworkProxy proxy = proxy(connection -> connection.flipAt(Way.TO_SERVER, 20_000));
    Socket client = connect(proxy);
    byte[] expected = random(50_000);
    send(client, expected.clone(), true);
    expected[20_000] ^= 0x41;
    assertThat(accepted().getInputStream().readAllBytes()).isEqualTo(expected);
  }

  @Test
  void it_refuses_for_a_time() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    proxy.refuse(LONG.multipliedBy(10));
    Socket refused = connect(proxy);
    assertThatThrownBy(() -> refused.getInputStream().read()).hasMessageContaining("reset");
    assertThat(proxy.connections()).isZero();
    proxy.heal();
    Socket client = connect(proxy);
    send(accepted(), random(9), true);
    assertThat(client.getInputStream().readAllBytes()).isEqualTo(random(9));
  }

  @Test
  void a_server_that_is_not_there_is_a_refusal() throws IOException {
    NetworkProxy proxy = proxy(connection -> {});
    listener.close();
    assertEnds(connect(proxy));
    assertThat(proxy.connections()).isZero();
  }

  @Test
  void the_same_seed_brings_the_same_faults() {
    NetworkProxy proxy = proxy(connection -> {});
    List<String> histories = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      RandomFaults faults =
          new RandomFaults(7, List.of(proxy), Set.of(RandomFaults.Fault.values()));
      faults.run(Duration.ofMillis(500));
      histories.add(faults.toString());
    }
    int common = histories.stream().mapToInt(String::length).min().orElseThrow() - 1;
    assertThat(common).isGreaterThan("seed 7: [0 CALM TO_CLIENT 1".length());
    assertThat(histories.getFirst().substring(0, common))
        .isEqualTo(histories.getLast().substring(0, common));
  }
}
