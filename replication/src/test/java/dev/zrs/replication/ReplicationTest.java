package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.TransactionReader;
import dev.zrs.storage.VotedTransaction;
import dev.zrs.testkit.Logged;
import dev.zrs.testkit.NetworkProxy;
import dev.zrs.testkit.Way;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our primary and our secondary. */
@Timeout(120)
final class ReplicationTest {
  static final Duration LIMIT = Duration.ofSeconds(30);

  /** Connects again quickly. */
  static SecondaryOptions options(Duration transactionLimit) {
    return SecondaryOptions.DEFAULT
        .withKeepAliveDelay(Duration.ofMillis(20))
        .withReconnectDelay(Duration.ofMillis(50))
        .withFirstReconnectDelay(Duration.ofMillis(10))
        .withTimeLimits(Duration.ofSeconds(5), transactionLimit)
        .withLiveAfter(Duration.ofMillis(100))
        .withSizeLimits(1 << 28, 1_000_000)
        .withBatch(1 << 20, 100);
  }

  @TempDir private Path directory = Path.of("unset");

  static SocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  static ReplicationPrimary primary(FileStorage storage) {
    ReplicationPrimary primary = new ReplicationPrimary(anyPort(), storage, PrimaryOptions.DEFAULT);
    primary.start();
    return primary;
  }

  static ReplicationSecondary secondary(SocketAddress upstream, FileStorage storage) {
    ReplicationSecondary secondary =
        new ReplicationSecondary(
            upstream, storage, options(Duration.ofSeconds(10)), InstantSource.system());
    secondary.start();
    return secondary;
  }

  static void awaitTransaction(FileStorage storage, Tid tid) {
    await()
        .atMost(LIMIT)
        .pollInterval(Duration.ofMillis(5))
        .until(() -> storage.lastTransaction().compareTo(tid) >= 0);
  }

  private static Tid commits(FileStorage storage, Random random, int count) {
    Tid last = Tid.NONE;
    for (int i = 0; i < count; i++) {
      last = Replica.commit(storage, random);
    }
    return last;
  }

  @Test
  void what_is_there_and_what_is_committed_later_arrives_at_every_level() {
    Random random = new Random(1);
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    Replica third = Replica.in(directory, "third");
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        FileStorage c = third.open()) {
      commits(a, random, 150);
      try (ReplicationPrimary primary = primary(a);
          ReplicationPrimary middle = primary(b);
          ReplicationSecondary follower = secondary(primary.address(), b);
          ReplicationSecondary last = secondary(middle.address(), c)) {
        Tid tid = commits(a, random, 150);
        awaitTransaction(c, tid);
        await().atMost(LIMIT).until(() -> follower.status().state() == SecondaryState.LIVE);
        assertThat(follower.status().applied()).isEqualTo(tid);
        assertThat(follower.status().received()).isEqualTo(tid);
        assertThat(last.status().connections()).isEqualTo(1);
      }
    }
    first.assertEquals(second);
    first.assertEquals(third);
  }

  @Test
  void over_unix_sockets_and_without_blobs() {
    Random random = new Random(2);
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    SocketAddress address = UnixDomainSocketAddress.of(directory.resolve("socket"));
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs()) {
      commits(a, random, 50);
      try (ReplicationPrimary primary = new ReplicationPrimary(address, a, PrimaryOptions.DEFAULT);
          ReplicationSecondary follower = secondary(address, b)) {
        primary.start();
        awaitTransaction(b, commits(a, random, 50));
        assertThat(follower.status().lastError()).isEmpty();
      }
      assertThat(directory.resolve("socket")).doesNotExist();
    }
    first.assertEquals(second);
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  void a_connection_that_breaks_anywhere_is_taken_up_again(long seed) throws Exception {
    Random random = new Random(seed);
    Random cuts = new Random(seed);
    AtomicInteger harmed = new AtomicInteger();
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open()) {
      commits(a, random, 120);
      try (ReplicationPrimary primary = primary(a);
          NetworkProxy network =
              new NetworkProxy(
                  primary.address(),
                  connection -> {
                    if (harmed.getAndIncrement() < 25) {
                      connection.cutAfter(Way.TO_CLIENT, cuts.nextInt(600_000));
                    }
                  });
          ReplicationSecondary follower = secondary(network.address(), b)) {
        Tid tid = commits(a, random, 120);
        awaitTransaction(b, tid);
        assertThat(follower.status().connections()).isGreaterThan(3);
      }
    }
    first.assertEquals(second);
  }

  @Test
  void a_network_that_always_breaks_within_a_transaction_still_gets_on() throws Exception {
    Random random = new Random(4);
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open()) {
      Tid last = Tid.NONE;
      for (int i = 1; i <= 30; i++) {
        last = Replica.commitRecord(a, new Oid(i), Replica.bytes(random, 10_000));
      }
      // Room for the one that is compared, another one, and a half.
      try (ReplicationPrimary primary = primary(a);
          NetworkProxy network =
              new NetworkProxy(
                  primary.address(), connection -> connection.cutAfter(Way.TO_CLIENT, 26_000));
          ReplicationSecondary follower = secondary(network.address(), b)) {
        awaitTransaction(b, last);
        assertThat(follower.status().connections()).isGreaterThanOrEqualTo(25);
      }
    }
    first.assertEquals(second);
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22})
  void a_flipped_bit_is_noticed_before_it_is_visible(long seed) throws Exception {
    Random random = new Random(seed);
    Random flips = new Random(seed);
    AtomicInteger harmed = new AtomicInteger();
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open()) {
      Tid tid = commits(a, random, 100);
      try (ReplicationPrimary primary = primary(a);
          NetworkProxy network =
              new NetworkProxy(
                  primary.address(),
                  connection -> {
                    if (harmed.getAndIncrement() < 10) {
                      connection.cutAfter(Way.TO_CLIENT, 1_000_000);
                      connection.flipAt(Way.TO_CLIENT, flips.nextInt(60_000));
                    }
                  });
          ReplicationSecondary follower = secondary(network.address(), b)) {
        awaitTransaction(b, tid);
        assertThat(follower.status().lastError()).isPresent();
      }
    }
    first.assertEquals(second);
  }

  @Test
  @SuppressWarnings("try") // how long closing takes, or what it leaves, is what is tested
  void a_secondary_that_reads_nothing_does_not_delay_commits() throws Exception {
    Random random = new Random(5);
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.open();
        ReplicationPrimary primary =
            new ReplicationPrimary(
                anyPort(), a, PrimaryOptions.DEFAULT.withDrainLimit(Duration.ofMillis(300)))) {
      primary.start();
      try (Socket stuck = new Socket()) {
        stuck.setReceiveBufferSize(4_096);
        stuck.connect(primary.address());
        OutputStream output = stuck.getOutputStream();
        output.write(new StreamBuilder(Tid.NONE).frame(ascii("zrs2.1")).frame(new byte[8]).bytes());
        Tid last = Tid.NONE;
        for (int i = 1; i <= 40; i++) {
          last = Replica.commitRecord(a, new Oid(i), Replica.bytes(random, 1_000_000));
        }
        assertThat(a.lastTransaction()).isEqualTo(last);
        assertThat(primary.connections()).isEqualTo(1);
        long began = System.nanoTime();
        primary.close();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
        await().atMost(LIMIT).until(() -> primary.connections() == 0);
      }
    }
  }

  @Test
  void when_the_primary_stops_a_secondary_gets_the_rest_first() throws Exception {
    Random random = new Random(6);
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open()) {
      Tid tid = commits(a, random, 200);
      ReplicationPrimary primary = primary(a);
      try (Logged logged = new Logged("zc.zrs");
          ReplicationSecondary follower = secondary(primary.address(), b)) {
        await().atMost(LIMIT).until(() -> b.lastTransaction().compareTo(Tid.NONE) > 0);
        primary.close();
        awaitTransaction(b, tid);
        await().atMost(LIMIT).until(() -> follower.status().state() != SecondaryState.LIVE);
        assertThat(logged.lines())
            .anyMatch(line -> line.contains("zc.zrs.secondary") && line.contains("Disconnected"))
            .noneMatch(line -> line.startsWith("ERROR"));
      }
    }
    first.assertEquals(second);
  }

  @Test
  void a_port_in_use_is_named() {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.open();
        ReplicationPrimary primary = primary(a)) {
      SocketAddress taken = primary.address();
      assertThatThrownBy(() -> new ReplicationPrimary(taken, a, PrimaryOptions.DEFAULT))
          .isInstanceOf(ReplicationException.class)
          .hasMessageContaining("in use")
          .hasMessageContaining(Listener.text(taken));
    }
  }

  @Test
  @SuppressWarnings("try") // how long closing takes, or what it leaves, is what is tested
  void a_secondary_waits_for_its_upstream_and_stops_at_once() throws IOException {
    Replica second = Replica.in(directory, "second");
    try (FileStorage b = second.open();
        Logged logged = new Logged("zc.zrs");
        ReplicationSecondary follower =
            secondary(new InetSocketAddress(InetAddress.getLoopbackAddress(), 1), b)) {
      await()
          .atMost(LIMIT)
          .until(() -> follower.status().lastError().orElse("").contains("connecting failed"));
      follower.close();
      assertThat(follower.status().state()).isEqualTo(SecondaryState.CLOSED);
      assertThat(logged.lines())
          .anyMatch(line -> line.contains("Opening " + second.file()))
          .anyMatch(line -> line.contains("Closing " + second.file()))
          .anyMatch(line -> line.contains("CONNECTING -> WAITING"));
    }
  }

  @Test
  void a_transaction_without_records_is_replicated_as_the_primary_has_it() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open()) {
      Replica.commit(a, new Random(7));
      Tid empty = new Tid(a.lastTransaction().value() + 1);
      try (TransactionBuffer buffer = a.begin(TransactionMetadata.EMPTY, empty, ' ', null)) {
        a.vote(buffer, a.commitLock().claim("test")).finish();
      }
      try (ReplicationPrimary primary = primary(a);
          ReplicationSecondary follower = secondary(primary.address(), b)) {
        awaitTransaction(b, empty);
        assertThat(follower.status().applied()).isLessThanOrEqualTo(empty);
      }
    }
    first.assertEquals(second);
  }

  @Test
  void an_extension_that_can_not_be_sent_is_left_out_with_an_error() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    // Lists of two, each twice in the next: without a memo, more than any message can have.
    StringBuilder unfolding = new StringBuilder("}X\1\0\0\0a]q\0");
    for (int i = 1; i <= 40; i++) {
      unfolding.append("0](h").append((char) (i - 1)).append('h').append((char) (i - 1));
      unfolding.append("eq").append((char) i);
    }
    // Not a pickle; a name that nobody knows; a dictionary of a list that contains itself; much
    // that
    // occurs more than once.
    String[] extensions = {
      "rubbish",
      "\u0080\u0003}q\u0000X\u0001\u0000\u0000\u0000aq\u0001h\u0002s.",
      "\u0080\u0003}q\u0000X\u0002\u0000\u0000\u0000abq\u0001]q\u0002h\u0002as.",
      unfolding + "s.",
      "}(X\1\0\0\0a](" + "N".repeat(10) + "eq\0X\1\0\0\0b](" + "h\0".repeat(25_000) + "eu."
    };
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        Logged logged = new Logged("zc.zrs")) {
      Tid last = Tid.NONE;
      for (String extension : extensions) {
        TransactionMetadata metadata =
            new TransactionMetadata(
                ascii("user"), new byte[0], extension.getBytes(StandardCharsets.ISO_8859_1));
        try (TransactionBuffer buffer = a.begin(metadata, null)) {
          buffer.store(a.newOid(), Tid.NONE, new byte[] {1});
          VotedTransaction voted = a.vote(buffer, a.commitLock().claim("test"));
          voted.finish();
          last = voted.tid();
        }
      }
      try (ReplicationPrimary primary = primary(a);
          ReplicationSecondary follower = secondary(primary.address(), b)) {
        awaitTransaction(b, last);
        assertThat(follower.status().lastError()).isEmpty();
      }
      assertThat(b.lastCommits(9)).hasSize(extensions.length);
      assertThat(logged.lines())
          .filteredOn(line -> line.startsWith("ERROR"))
          .hasSize(2)
          .allMatch(line -> line.contains("can't be sent and is left out"));
      try (TransactionReader reader = b.transactionsAfter(Tid.NONE)) {
        for (String expected : new String[] {"", "", extensions[2]}) {
          assertThat(Objects.requireNonNull(reader.next()).metadata().extension())
              .isEqualTo(expected.getBytes(StandardCharsets.ISO_8859_1));
        }
        for (int i = 3; i < extensions.length; i++) {
          byte[] arrived = Objects.requireNonNull(reader.next()).metadata().extension();
          assertThat(arrived).hasSizeBetween(50, extensions[i].length() + 100);
        }
      }
    }
  }

  @Test
  void a_blob_without_its_file_goes_out_as_a_plain_record() throws IOException {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        Logged logged = new Logged("zc.zrs")) {
      Oid oid = new Oid(7);
      Tid tid = Replica.commitBlob(a, oid, new byte[100_000]);
      Tid empty = Replica.commitBlob(a, new Oid(8), new byte[0]);
      Path missing = a.blobs().orElseThrow().file(oid, tid);
      Files.delete(missing);
      try (ReplicationPrimary primary = primary(a);
          ReplicationSecondary follower = secondary(primary.address(), b)) {
        awaitTransaction(b, empty);
        assertThat(follower.status().lastError()).isEmpty();
      }
      assertThat(b.loadSerial(oid, tid)).isEqualTo(Replica.BLOB_RECORD);
      assertThat(b.blobs().orElseThrow().exists(oid, tid)).isFalse();
      assertThat(b.blobs().orElseThrow().file(new Oid(8), empty)).isEmptyFile();
      assertThat(logged.lines())
          .filteredOn(line -> line.startsWith("ERROR"))
          .singleElement()
          .asString()
          .contains("zc.zrs.primary", oid.toString(), tid.toString(), missing.toString());
    }
    first.assertEquals(second);
  }

  @Test
  void a_blob_file_that_can_not_be_read_ends_that_connection_with_an_error() throws IOException {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        Logged logged = new Logged("zc.zrs")) {
      Tid before = Replica.commitRecord(a, new Oid(1), new byte[10]);
      Tid tid = Replica.commitBlob(a, new Oid(7), new byte[10]);
      Path unreadable = a.blobs().orElseThrow().file(new Oid(7), tid);
      Files.delete(unreadable);
      Files.createDirectory(unreadable);
      try (ReplicationPrimary primary = primary(a);
          ReplicationSecondary follower = secondary(primary.address(), b)) {
        await().atMost(LIMIT).until(() -> follower.status().connections() > 2);
        assertThat(follower.status().applied()).isEqualTo(before);
      }
      assertThat(b.lastTransaction()).isEqualTo(before);
      assertThat(logged.lines())
          .anyMatch(
              line -> line.startsWith("ERROR zc.zrs.primary") && line.contains("can't be read"));
    }
  }

  @Test
  void a_primary_so_old_that_it_sends_no_checksum_is_believed() throws Exception {
    Replica second = Replica.in(directory, "second");
    byte[] stream =
        new StreamBuilder(Tid.NONE)
            .begin(5, "p")
            .record(1, 5)
            .frame(new byte[] {1})
            .message("C")
            .bytes();
    try (FileStorage b = second.open();
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ReplicationSecondary follower =
            secondary(Objects.requireNonNull(server.getLocalSocketAddress()), b);
        Socket socket = server.accept()) {
      socket.getOutputStream().write(stream);
      awaitTransaction(b, new Tid(5));
      await().atMost(LIMIT).until(() -> follower.status().state() == SecondaryState.LIVE);
      // The greeting, then empty frames at the delay that is configured.
      assertThat(socket.getInputStream().readNBytes(22 + 12)).endsWith(new byte[12]);
      try (TransactionReader reader = b.transactionsAfter(Tid.NONE)) {
        assertThat(Objects.requireNonNull(reader.next()).status()).isEqualTo('p');
      }
    }
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
