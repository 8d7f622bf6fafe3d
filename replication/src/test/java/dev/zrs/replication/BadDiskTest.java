package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.Logged;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a secondary does when its disk is full or broken, and how often it makes it sync. */
@Timeout(60)
final class BadDiskTest {
  private static final int TRANSACTIONS = 300;

  @TempDir private Path directory = Path.of("unset");

  private static List<String> errors(Logged logged) {
    return logged.lines().stream().filter(line -> line.startsWith("ERROR")).toList();
  }

  @Test
  void after_a_failed_sync_it_gives_up_with_one_line() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    WatchedDisk disk = new WatchedDisk();
    try (FileStorage a = first.open();
        FileStorage b = second.open(disk);
        Logged logged = new Logged("zc.zrs")) {
      Replica.commit(a, new Random(1));
      disk.fail("sync data file", "Input/output error");
      try (ReplicationPrimary primary = ReplicationTest.primary(a);
          ReplicationSecondary follower = ReplicationTest.secondary(primary.address(), b)) {
        await()
            .atMost(ReplicationTest.LIMIT)
            .until(() -> follower.status().state() == SecondaryState.FAILED);
        assertThat(follower.status().connections()).isEqualTo(1);
        assertThat(follower.status().applied()).isEqualTo(Tid.NONE);
        assertThat(follower.status().lastError().orElse("")).contains("Input/output error");
        await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 0);
        assertThat(errors(logged))
            .singleElement()
            .asString()
            .contains("Input data error", "Input/output error", "until the server is restarted");
      }
      assertThat(b.lastTransaction()).isEqualTo(Tid.NONE);
    }
  }

  @Test
  void on_a_full_disk_it_tries_again_until_there_is_room() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    WatchedDisk disk = new WatchedDisk();
    try (FileStorage a = first.open();
        FileStorage b = second.open(disk);
        Logged logged = new Logged("zc.zrs")) {
      Tid tid = Replica.commit(a, new Random(2));
      disk.fail("append transaction", "No space left on device");
      try (ReplicationPrimary primary = ReplicationTest.primary(a);
          ReplicationSecondary follower = ReplicationTest.secondary(primary.address(), b)) {
        await().atMost(ReplicationTest.LIMIT).until(() -> follower.status().connections() >= 3);
        assertThat(b.lastTransaction()).isEqualTo(Tid.NONE);
        disk.heal();
        ReplicationTest.awaitTransaction(b, tid);
      }
      assertThat(errors(logged))
          .isNotEmpty()
          .allSatisfy(
              line ->
                  assertThat(line)
                      .contains(
                          "Input data error: could not apply what arrived",
                          "No space left on device"));
    }
    first.assertEquals(second);
  }

  @Test
  void a_blob_that_can_not_be_written_is_no_lost_connection() throws IOException {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        Logged logged = new Logged("zc.zrs")) {
      Tid tid = Replica.commitBlob(a, new Oid(1), new byte[100_000]);
      Path temporary = second.blobs().resolve("tmp");
      Files.delete(temporary);
      try (ReplicationPrimary primary = ReplicationTest.primary(a);
          ReplicationSecondary follower = ReplicationTest.secondary(primary.address(), b)) {
        await().atMost(ReplicationTest.LIMIT).until(() -> follower.status().connections() >= 2);
        assertThat(b.lastTransaction()).isEqualTo(Tid.NONE);
        Files.createDirectory(temporary);
        ReplicationTest.awaitTransaction(b, tid);
      }
      assertThat(errors(logged))
          .isNotEmpty()
          .allSatisfy(
              line ->
                  assertThat(line)
                      .contains("Input data error: could not write the blob file", "blobs"));
    }
    first.assertEquals(second);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void what_has_arrived_shares_its_syncs(boolean unix) {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    WatchedDisk disk = new WatchedDisk();
    SocketAddress address =
        unix ? UnixDomainSocketAddress.of(directory.resolve("socket")) : ReplicationTest.anyPort();
    try (FileStorage a = first.open();
        FileStorage b = second.open(disk)) {
      Tid last = Tid.NONE;
      for (int i = 1; i <= TRANSACTIONS; i++) {
        last = Replica.commitRecord(a, new Oid(i), new byte[100]);
      }
      int before = disk.count("sync data file");
      try (ReplicationPrimary primary =
          new ReplicationPrimary(address, a, PrimaryOptions.DEFAULT)) {
        primary.start();
        try (ReplicationSecondary follower = ReplicationTest.secondary(primary.address(), b)) {
          ReplicationTest.awaitTransaction(b, last);
          await()
              .atMost(ReplicationTest.LIMIT)
              .until(() -> follower.status().state() == SecondaryState.LIVE);
          // All of it came in one piece, and a batch holds 100.
          assertThat(disk.count("sync data file") - before).isLessThan(TRANSACTIONS / 3);
          assertThat(follower.status().receivedBytes()).isGreaterThan(TRANSACTIONS * 300L);
        }
      }
    }
    first.assertEquals(second);
  }
}
