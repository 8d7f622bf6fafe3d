package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.Logged;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a primary does with a secondary that does not keep to the protocol. */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // the fields are set before each test
final class HostileSecondaryTest {
  private static final PrimaryOptions OPTIONS =
      new PrimaryOptions(Duration.ofSeconds(1), Duration.ofMillis(400), 3, false);

  @TempDir private Path directory = Path.of("unset");
  private Logged logged;
  private FileStorage storage;
  private ReplicationPrimary primary;

  @BeforeEach
  void open() {
    logged = new Logged("zc.zrs");
    storage = Replica.in(directory, "data").open();
    Replica.commit(storage, new Random(1));
    primary = new ReplicationPrimary(ReplicationTest.anyPort(), storage, OPTIONS);
    primary.start();
  }

  @AfterEach
  void close() {
    primary.close();
    storage.close();
    logged.close();
  }

  private static StreamBuilder hello(String protocol) {
    return new StreamBuilder(Tid.NONE).frame(ReplicationTest.ascii(protocol));
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.connect(primary.address());
    socket.setSoTimeout(10_000);
    return socket;
  }

  /** The connection must end without anything having been sent, and the log must say why. */
  private void assertRefused(StreamBuilder said, String text) throws IOException {
    try (Socket socket = connect()) {
      socket.getOutputStream().write(said.bytes());
      assertThat(socket.getInputStream().readAllBytes()).isEmpty();
    }
    await()
        .atMost(ReplicationTest.LIMIT)
        .untilAsserted(
            () ->
                assertThat(logged.lines())
                    .anyMatch(
                        line ->
                            line.startsWith("ERROR zc.zrs.primary 127.0.0.1:")
                                && line.contains(text)));
  }

  @Test
  void a_wrong_greeting_is_refused() throws IOException {
    assertRefused(hello("zrs1.0"), "Invalid protocol b'zrs1.0'");
    assertRefused(hello(""), "Invalid protocol b''");
    assertRefused(
        new StreamBuilder(Tid.NONE).frame(new byte[] {0, (byte) 0xff}),
        "Invalid protocol b'\\x00\\xff'");
    assertRefused(hello("zrs2.0"), "Invalid protocol b'zrs2.0'. Require >= 2.1");
    assertRefused(hello("zrs2.1").frame(new byte[7]), "Invalid transaction id, b'\\x00");
    assertRefused(hello("zrs2.1").frame(new byte[0]), "Invalid transaction id, b''");
  }

  @Test
  void a_long_frame_is_refused_by_its_length() throws IOException {
    assertRefused(hello("zrs2.10000000"), "message too large: 13 bytes");
    assertRefused(
        new StreamBuilder(Tid.NONE).raw(255, 255, 255, 255), "message too large: 4294967295");
    assertRefused(hello("zrs2.1").raw(0x80, 0, 0, 0), "message too large: 2147483648");
  }

  @Test
  void a_tid_that_is_not_there_yet_is_too_high() throws IOException {
    Tid next = storage.lastTransaction().next();
    assertRefused(hello("zrs2.1").frame(next.toBytes()), "too high");
    assertRefused(hello("zrs2.1").frame(Tid.MAX.toBytes()), "too high");
    assertRefused(hello("zrs2.1").frame(new Tid(-1).toBytes()), "too high");
  }

  @Test
  void a_second_message_ends_the_connection() throws IOException {
    try (Socket socket = connect()) {
      Tid last = storage.lastTransaction();
      socket
          .getOutputStream()
          .write(
              hello("zrs2.1")
                  .frame(last.toBytes())
                  .frame(new byte[0])
                  .frame(new byte[0])
                  .frame(new byte[1])
                  .bytes());
      assertThat(socket.getInputStream().readAllBytes()).isEmpty();
    }
    await()
        .atMost(ReplicationTest.LIMIT)
        .untilAsserted(
            () -> assertThat(logged.lines()).anyMatch(line -> line.contains("Too many messages")));
  }

  @Test
  void who_says_nothing_or_says_it_slowly_is_sent_away() throws Exception {
    assertRefused(new StreamBuilder(Tid.NONE), "did not say what it wants");
    try (Socket socket = connect()) {
      byte[] greeting = hello("zrs2.1").bytes();
      Thread talker =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      for (int i = 0; i < greeting.length; i++) {
                        socket.getOutputStream().write(greeting[i]);
                        Thread.sleep(100);
                      }
                    } catch (IOException | InterruptedException expected) {
                      // The primary has closed the connection.
                    }
                  });
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
      talker.interrupt();
      talker.join();
    }
  }

  @Test
  void beyond_the_limit_of_connections_one_is_closed_at_once() throws IOException {
    List<Socket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < OPTIONS.maxConnections(); i++) {
        Socket socket = connect();
        sockets.add(socket);
        socket
            .getOutputStream()
            .write(hello("zrs2.1").frame(storage.lastTransaction().toBytes()).bytes());
      }
      await()
          .atMost(ReplicationTest.LIMIT)
          .until(() -> primary.connections() == OPTIONS.maxConnections());
      assertRefused(new StreamBuilder(Tid.NONE), "refused");
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
    await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 0);
    assertThat(logged.lines())
        .anyMatch(line -> line.contains("start " + storage.lastTransaction()));
  }

  @Test
  @SuppressWarnings("try") // how long closing takes is what is tested
  void who_has_said_nothing_yet_does_not_hold_up_the_stop() throws IOException {
    PrimaryOptions patient =
        new PrimaryOptions(Duration.ofSeconds(40), Duration.ofSeconds(40), 3, false);
    try (ReplicationPrimary stopped =
            new ReplicationPrimary(ReplicationTest.anyPort(), storage, patient);
        Socket silent = new Socket()) {
      stopped.start();
      silent.connect(stopped.address());
      await().atMost(ReplicationTest.LIMIT).until(() -> stopped.connections() == 1);
      long began = System.nanoTime();
      stopped.close();
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
      assertThat(silent.getInputStream().read()).isEqualTo(-1);
    }
  }
}
