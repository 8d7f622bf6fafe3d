package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.VotedTransaction;
import dev.zrs.testkit.Logged;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whether two histories are one. */
@Timeout(120)
final class DivergenceTest {
  private static final Duration LIMIT = ReplicationTest.LIMIT;
  private static final Oid ROOT = new Oid(0);

  @TempDir private Path directory = Path.of("unset");

  /** A record without references. */
  private static byte[] record(char content) {
    return ("\u0080\u0003cm\nK\n.\u0080\u0003X\1\0\0\0" + content + ".")
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static Tid commit(FileStorage storage, Oid oid, char content) {
    Tid serial = storage.loadBefore(oid, Tid.MAX) == null ? Tid.NONE : storage.currentSerial(oid);
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.store(oid, serial, record(content));
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  private static Tid first(FileStorage storage, Oid oid, char content) {
    return Replica.commitRecord(storage, oid, record(content));
  }

  private Replica copy(Replica of, String name) throws IOException {
    Replica copy = Replica.in(directory, name);
    Files.copy(of.file(), copy.file());
    return copy;
  }

  private static ReplicationSecondary follower(
      SocketAddress upstream, FileStorage storage, boolean acceptPacked) {
    ReplicationSecondary follower =
        new ReplicationSecondary(
            upstream,
            storage,
            ReplicationTest.options(Duration.ofSeconds(10)).withAcceptPacked(acceptPacked),
            InstantSource.system());
    follower.start();
    return follower;
  }

  private static void awaitState(ReplicationSecondary follower, SecondaryState state) {
    await()
        .atMost(LIMIT)
        .untilAsserted(() -> assertThat(follower.status().state()).isEqualTo(state));
  }

  @Test
  void transactions_that_nobody_else_has_stop_replication_and_both_tids_are_named()
      throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
    }
    Replica second = copy(first, "second");
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a)) {
      Tid lost = commit(b, ROOT, 'x');
      Tid other = commit(a, ROOT, 'b');
      long size = b.size();
      try (ReplicationSecondary follower = follower(primary.address(), b, false)) {
        awaitState(follower, SecondaryState.DIVERGED);
        assertThat(follower.status().lastError().orElseThrow())
            .contains("diverged", lost.toString(), other.toString());
        commit(a, ROOT, 'c');
        assertThat(b.size()).isEqualTo(size);
        assertThat(b.loadSerial(ROOT, lost)).isEqualTo(record('x'));
      }
    }
  }

  @Test
  void a_secondary_that_is_ahead_waits_and_diverges_when_the_upstream_has_passed_it()
      throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
    }
    Replica second = copy(first, "second");
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a);
        Logged log = new Logged("zc.zrs")) {
      commit(b, ROOT, 'x');
      try (ReplicationSecondary follower = follower(primary.address(), b, false)) {
        await().atMost(LIMIT).until(() -> follower.status().connections() > 4);
        assertThat(follower.status().lastError().orElseThrow()).contains("behind us");
        assertThat(log.lines()).filteredOn(line -> line.contains("times in a row")).hasSize(1);
        commit(a, ROOT, 'b');
        awaitState(follower, SecondaryState.DIVERGED);
      }
    }
  }

  @Test
  void the_same_tid_with_other_records_is_another_transaction() throws IOException {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    Tid tid = Tid.of(InstantSource.system().instant());
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a)) {
      commitAt(a, tid, 'a', "");
      commitAt(b, tid, 'b', "");
      try (ReplicationSecondary follower = follower(primary.address(), b, true)) {
        awaitState(follower, SecondaryState.DIVERGED);
        assertThat(follower.status().lastError().orElseThrow()).contains("its records differ");
      }
    }
  }

  @Test
  void the_same_tid_with_another_description_is_another_transaction() throws IOException {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    Tid tid = Tid.of(InstantSource.system().instant());
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a)) {
      commitAt(a, tid, 'a', "one");
      commitAt(b, tid, 'a', "other");
      try (ReplicationSecondary follower = follower(primary.address(), b, true)) {
        awaitState(follower, SecondaryState.DIVERGED);
        assertThat(follower.status().lastError().orElseThrow()).contains("its description differs");
      }
    }
  }

  private static void commitAt(FileStorage storage, Tid tid, char content, String description) {
    TransactionMetadata metadata =
        new TransactionMetadata(
            new byte[0], description.getBytes(StandardCharsets.UTF_8), new byte[0]);
    try (TransactionBuffer buffer = storage.begin(metadata, tid, ' ', null)) {
      buffer.store(ROOT, Tid.NONE, record(content));
      storage.vote(buffer, storage.commitLock().claim("test")).finish();
    }
  }

  @Test
  void a_pack_on_either_side_is_no_difference() throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
      for (int i = 0; i < 5; i++) {
        first(a, new Oid(50 + i), (char) (65 + i));
      }
    }
    Replica second = copy(first, "second");
    Replica third = copy(first, "third");
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        FileStorage c = third.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a)) {
      // What the commits brought is garbage, but for the root.
      assertThat(b.pack(Tid.MAX).removedRecords()).isPositive();
      try (ReplicationSecondary follower = follower(primary.address(), b, false)) {
        awaitState(follower, SecondaryState.LIVE);
        ReplicationTest.awaitTransaction(b, commit(a, ROOT, 'b'));
      }
      a.pack(Tid.MAX);
      try (ReplicationSecondary follower = follower(primary.address(), b, false)) {
        awaitState(follower, SecondaryState.LIVE);
        ReplicationTest.awaitTransaction(b, commit(a, ROOT, 'c'));
      }
      // Its last transaction is gone at the upstream: it may be packed away, or a fork.
      try (ReplicationSecondary follower = follower(primary.address(), c, false)) {
        awaitState(follower, SecondaryState.DIVERGED);
        assertThat(follower.status().lastError().orElseThrow()).contains("--accept-packed");
      }
      try (ReplicationSecondary follower = follower(primary.address(), c, true)) {
        awaitState(follower, SecondaryState.LIVE);
        assertThat(c.lastTransaction()).isEqualTo(a.lastTransaction());
      }
    }
  }

  /** A secondary of zc.zrs asks for exactly its last transaction. */
  private static int firstByteFor(ReplicationPrimary primary, Tid start) throws IOException {
    InetSocketAddress address = (InetSocketAddress) primary.address();
    try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
      socket.setSoTimeout((int) LIMIT.toMillis());
      ByteBuffer greeting = ByteBuffer.allocate(4 + 6 + 4 + 8);
      greeting.putInt(6).put("zrs2.1".getBytes(StandardCharsets.US_ASCII));
      greeting.putInt(8).put(start.toBytes());
      socket.getOutputStream().write(greeting.array());
      return socket.getInputStream().read();
    }
  }

  @Test
  void our_primary_refuses_a_fork_of_a_python_secondary() throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a);
        Logged log = new Logged("zc.zrs")) {
      Tid one = first(a, ROOT, 'a');
      Tid fork = one.next();
      commit(a, ROOT, 'b');
      assertThat(firstByteFor(primary, one)).isNotEqualTo(-1);
      assertThat(firstByteFor(primary, fork)).isEqualTo(-1);
      await()
          .atMost(LIMIT)
          .until(
              () ->
                  log.lines().stream()
                      .anyMatch(line -> line.contains("refused: transaction " + fork)));
    }
  }

  @Test
  void who_lacks_only_what_a_pack_removed_is_let_through_also_after_a_restart() throws IOException {
    Replica first = Replica.in(directory, "first");
    Tid packedAway;
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
      packedAway = commit(a, ROOT, 'b');
      commit(a, ROOT, 'c');
      commit(a, ROOT, 'd');
      a.pack(Tid.MAX);
      commit(a, ROOT, 'e');
    }
    try (FileStorage a = first.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a);
        Logged log = new Logged("zc.zrs")) {
      assertThat(firstByteFor(primary, packedAway)).isNotEqualTo(-1);
      assertThat(log.lines()).anyMatch(line -> line.contains("older than the last pack"));
      assertThat(firstByteFor(primary, a.lastTransaction().previous().previous())).isEqualTo(-1);
    }
  }

  @Test
  void a_secondary_that_holds_what_a_pack_removed_from_the_end_is_not_refused() throws IOException {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        ReplicationPrimary primary = ReplicationTest.primary(a)) {
      first(a, ROOT, 'a');
      Tid garbage = first(a, new Oid(99), 'x');
      try (ReplicationSecondary follower = follower(primary.address(), b, false)) {
        ReplicationTest.awaitTransaction(b, garbage);
        awaitState(follower, SecondaryState.LIVE);
      }
      a.pack(Tid.MAX);
      try (ReplicationSecondary follower = follower(primary.address(), b, false)) {
        awaitState(follower, SecondaryState.LIVE);
        ReplicationTest.awaitTransaction(b, commit(a, ROOT, 'b'));
      }
    }
  }

  @Test
  void a_server_that_follows_itself_says_so() throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
      try (ReplicationPrimary primary = ReplicationTest.primary(a);
          ReplicationSecondary follower =
              new ReplicationSecondary(
                  Upstream.at(primary.address()),
                  a,
                  ReplicationTest.options(LIMIT),
                  InstantSource.system(),
                  Optional.of(primary))) {
        follower.start();
        await()
            .atMost(LIMIT)
            .until(
                () ->
                    follower.status().lastError().stream()
                        .anyMatch(error -> error.contains("replicates from itself")));
      }
    }
  }

  @Test
  void a_ring_of_servers_is_named() throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
    }
    Replica second = copy(first, "second");
    SecondaryOptions options =
        ReplicationTest.options(LIMIT).withRingCheckDelay(Duration.ofMillis(200));
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        ReplicationPrimary one = ReplicationTest.primary(a);
        ReplicationPrimary two = ReplicationTest.primary(b);
        ReplicationSecondary oneFollows =
            new ReplicationSecondary(
                Upstream.at(two.address()), a, options, InstantSource.system(), Optional.of(one));
        ReplicationSecondary twoFollows =
            new ReplicationSecondary(
                Upstream.at(one.address()), b, options, InstantSource.system(), Optional.of(two))) {
      oneFollows.start();
      twoFollows.start();
      await()
          .atMost(LIMIT)
          .until(
              () ->
                  oneFollows.status().lastError().stream()
                      .anyMatch(error -> error.contains("ring of 2")));
    }
  }

  @Test
  void who_is_told_to_follow_learns_before_whether_that_would_be_a_ring() throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
    }
    Replica second = copy(first, "second");
    // The rare later question is not what this relies on.
    SecondaryOptions options =
        ReplicationTest.options(LIMIT).withRingCheckDelay(Duration.ofMinutes(10));
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs();
        ReplicationPrimary one = ReplicationTest.primary(a);
        ReplicationPrimary two = ReplicationTest.primary(b)) {
      ReplicationSecondary twoFollows =
          new ReplicationSecondary(
              Upstream.at(one.address()), b, options, InstantSource.system(), Optional.of(two));
      assertThat(ReplicationSecondary.leadsBack(one.address(), one)).isTrue();
      assertThat(ReplicationSecondary.leadsBack(two.address(), one)).isFalse();
      twoFollows.start();
      // Without silence between the transactions.
      Random random = new Random(1);
      await()
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(5))
          .until(
              () -> {
                Replica.commit(a, random);
                return ReplicationSecondary.leadsBack(two.address(), one);
              });
      // Promoted, it follows nobody.
      twoFollows.close();
      assertThat(ReplicationSecondary.leadsBack(two.address(), one)).isFalse();
    }
  }

  @Test
  void what_has_arrived_can_be_waited_for() throws IOException {
    Replica first = Replica.in(directory, "first");
    try (FileStorage a = first.openWithoutBlobs()) {
      first(a, ROOT, 'a');
      for (char content = 'b'; content < 'z'; content++) {
        commit(a, ROOT, content);
      }
    }
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.openWithoutBlobs();
        FileStorage b = second.openWithoutBlobs()) {
      ReplicationPrimary primary = ReplicationTest.primary(a);
      try (ReplicationSecondary follower = follower(primary.address(), b, false)) {
        await().atMost(LIMIT).until(() -> follower.status().connections() > 0);
        // It sends all that there is, and is gone.
        primary.close();
        assertThat(follower.awaitApplied(LIMIT)).isTrue();
        assertThat(b.lastTransaction()).isEqualTo(a.lastTransaction());
      }
    }
  }
}
