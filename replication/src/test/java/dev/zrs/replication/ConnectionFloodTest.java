package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.Logged;
import dev.zrs.testkit.NetworkProxy;
import dev.zrs.testkit.Traffic;
import dev.zrs.testkit.Way;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever floods a primary, a good secondary works on, and the next one gets in. */
@Timeout(180)
@SuppressWarnings("NullAway.Init") // the fields are set before each test
final class ConnectionFloodTest {
  private static final int CONNECTIONS = 20;
  private static final int STRANGERS = 500;
  private static final int FLOODERS = 4;

  /** What may be logged of strangers in the time of a test. */
  private static final int MAX_LINES = 1_500;

  private static final PrimaryOptions OPTIONS =
      new PrimaryOptions(Duration.ofSeconds(2), Duration.ofSeconds(60), CONNECTIONS, false);

  @TempDir private Path directory = Path.of("unset");
  private final Random random = new Random(1);
  private final List<Socket> sockets = new ArrayList<>();
  private Replica first;
  private Replica second;
  private Logged logged;
  private FileStorage storage;
  private FileStorage copy;
  private ReplicationPrimary primary;
  private ReplicationSecondary good;

  @BeforeEach
  void open() {
    logged = new Logged("zc.zrs");
    first = Replica.in(directory, "first");
    second = Replica.in(directory, "second");
    storage = first.open();
    copy = second.open();
    primary = new ReplicationPrimary(ReplicationTest.anyPort(), storage, OPTIONS);
    primary.start();
    good = ReplicationTest.secondary(primary.address(), copy);
    assertServed();
  }

  @AfterEach
  void close() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
    good.close();
    primary.close();
    copy.close();
    storage.close();
    logged.close();
    first.assertEquals(second);
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.connect(primary.address());
    socket.setSoTimeout((int) ReplicationTest.LIMIT.toMillis());
    return socket;
  }

  private static byte[] greeting(Tid start) {
    return new StreamBuilder(start)
        .frame(ReplicationTest.ascii("zrs2.1"))
        .frame(start.toBytes())
        .bytes();
  }

  /** A good secondary gets what is committed, on the connection that it has. */
  private void assertServed() {
    for (int i = 0; i < 10; i++) {
      ReplicationTest.awaitTransaction(copy, Replica.commit(storage, random));
    }
    assertThat(good.status().connections()).isEqualTo(1);
  }

  private void assertNextOneGetsIn() {
    Replica third = Replica.in(directory, "third");
    try (FileStorage other = third.open();
        ReplicationSecondary next = ReplicationTest.secondary(primary.address(), other)) {
      ReplicationTest.awaitTransaction(other, Replica.commit(storage, random));
      assertThat(next.status().received()).isEqualTo(storage.lastTransaction());
    }
    first.assertEquals(third);
  }

  private static long senderThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("zrs sender"))
        .count();
  }

  private void assertFewLines() {
    assertThat(logged.lines())
        .filteredOn(line -> line.contains("zc.zrs.primary"))
        .hasSizeLessThan(MAX_LINES);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 6, 10, 20})
  void five_hundred_that_say_a_part_of_a_greeting_keep_nobody_out(int length) throws IOException {
    byte[] part = Arrays.copyOf(greeting(Tid.NONE), length);
    for (int i = 0; i < STRANGERS; i++) {
      Socket socket = connect();
      sockets.add(socket);
      socket.getOutputStream().write(part);
    }
    assertServed();
    assertThat(primary.connections()).isLessThanOrEqualTo(CONNECTIONS);
    assertThat(senderThreads()).isLessThanOrEqualTo(CONNECTIONS + 2);
    assertNextOneGetsIn();
    // The oldest had to make room.
    assertThat(sockets.getFirst().getInputStream().read()).isEqualTo(-1);
    assertThat(logged.lines())
        .anyMatch(line -> line.contains("Disconnected it had to make room"))
        .noneMatch(line -> line.contains("unexpected"));
    assertFewLines();
  }

  @Test
  void five_hundred_real_greetings_at_once_are_refused_beyond_the_limit() throws IOException {
    byte[] greeting = greeting(storage.lastTransaction());
    for (int i = 0; i < STRANGERS; i++) {
      Socket socket = connect();
      sockets.add(socket);
      try {
        socket.getOutputStream().write(greeting);
      } catch (IOException expected) {
        // It is closed already.
      }
    }
    assertServed();
    assertThat(primary.connections()).isLessThanOrEqualTo(CONNECTIONS);
    assertThat(logged.lines()).anyMatch(line -> line.contains("refused, 20 secondaries are"));
    assertFewLines();
    for (Socket socket : sockets) {
      socket.close();
    }
    await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 1);
    assertNextOneGetsIn();
  }

  /** What a stranger does with a connection. */
  @FunctionalInterface
  private interface Stranger {
    void visit(Socket socket) throws IOException;
  }

  private void flood(Stranger stranger) throws InterruptedException {
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger visits = new AtomicInteger();
    List<Thread> flooders = new ArrayList<>();
    for (int i = 0; i < FLOODERS; i++) {
      flooders.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    while (!over.get()) {
                      try (Socket socket = connect()) {
                        stranger.visit(socket);
                        visits.incrementAndGet();
                      } catch (IOException refused) {
                        // That is the primary's right.
                        visits.incrementAndGet();
                      }
                    }
                  }));
    }
    try {
      await().atMost(ReplicationTest.LIMIT).until(() -> visits.get() > 200);
      assertServed();
      assertNextOneGetsIn();
      await().atMost(ReplicationTest.LIMIT).until(() -> visits.get() > 1_000);
    } finally {
      over.set(true);
      for (Thread flooder : flooders) {
        flooder.join();
      }
    }
    assertServed();
    await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 1);
    await().atMost(ReplicationTest.LIMIT).until(() -> senderThreads() == 1);
    assertFewLines();
    assertThat(logged.lines()).noneMatch(line -> line.contains("unexpected"));
  }

  @Test
  void a_flood_of_connections_that_are_reset_at_once() throws InterruptedException {
    flood(socket -> socket.setSoLinger(true, 0));
  }

  @Test
  void a_flood_of_connections_that_are_reset_in_every_phase_of_a_greeting()
      throws InterruptedException {
    AtomicInteger phase = new AtomicInteger();
    byte[] greeting = greeting(Tid.NONE);
    flood(
        socket -> {
          socket
              .getOutputStream()
              .write(greeting, 0, phase.incrementAndGet() % (greeting.length + 1));
          socket.setSoLinger(true, 0);
        });
  }

  @Test
  void a_flood_of_wrong_greetings() throws InterruptedException {
    flood(
        socket -> {
          socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8));
          assertThat(socket.getInputStream().read()).isEqualTo(-1);
        });
  }

  @Test
  void a_flood_of_questions_about_rings() throws InterruptedException {
    byte[] question =
        new StreamBuilder(Tid.NONE).frame(ReplicationTest.ascii(RingQuestion.QUESTION)).bytes();
    flood(
        socket -> {
          socket.getOutputStream().write(question);
          assertThat(socket.getInputStream().readAllBytes()).hasSize(4 + 36);
        });
  }

  @Test
  void keep_alives_without_end_end_the_connection() throws IOException {
    long sent = 0;
    try (Socket socket = connect()) {
      OutputStream output = socket.getOutputStream();
      output.write(greeting(storage.lastTransaction()));
      byte[] empty = new byte[4_000];
      while (sent < 1_000_000_000) {
        output.write(empty);
        sent += empty.length;
      }
    } catch (IOException expected) {
      // The primary has closed it.
    }
    assertThat(sent).isBetween(40_000L, 900_000_000L);
    await()
        .atMost(ReplicationTest.LIMIT)
        .untilAsserted(
            () -> assertThat(logged.lines()).anyMatch(line -> line.contains("flood of keep-al")));
    assertServed();
  }

  @Test
  void many_keep_alives_at_once_are_borne() throws IOException {
    try (Socket socket = connect()) {
      socket.getOutputStream().write(greeting(storage.lastTransaction()));
      socket.getOutputStream().write(new byte[4 * 5_000]);
      assertServed();
      // What was committed comes, so the connection lives.
      assertThat(socket.getInputStream().readNBytes(1_000)).hasSize(1_000);
    }
  }

  @Test
  void secondaries_that_read_nothing_or_a_byte_a_second_cost_nobody_else_anything()
      throws IOException {
    try (NetworkProxy network = new NetworkProxy(primary.address())) {
      network.set(Way.TO_CLIENT, Traffic.GOOD.withRate(1));
      for (int i = 0; i < 8; i++) {
        Socket socket = new Socket();
        sockets.add(socket);
        socket.setReceiveBufferSize(4_096);
        socket.connect(i % 2 == 0 ? primary.address() : network.address());
        socket.getOutputStream().write(greeting(Tid.NONE));
      }
      await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 9);
      for (int i = 0; i < 20; i++) {
        assertServed();
      }
      assertNextOneGetsIn();
      assertThat(primary.connections()).isGreaterThanOrEqualTo(9);
    }
  }
}
