package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.StorageOptions;
import dev.zrs.testkit.PythonPeer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Real ZEO clients, the newest and the last that goes with zc.zrs, against this server. */
@Timeout(value = 3, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class PythonClientTest {
  @TempDir private Path directory = Path.of("unset");

  enum Peer {
    CURRENT,
    LEGACY;

    PythonPeer python() {
      return switch (this) {
        case CURRENT -> PythonPeer.current();
        case LEGACY -> PythonPeer.legacy();
      };
    }
  }

  private String run(Peer peer, ServerHarness harness, String scenario) {
    byte[] output =
        peer.python()
            .run(
                PythonClientTest.class,
                "zeo_client.py",
                scenario,
                String.valueOf(harness.port()),
                directory.toString());
    return new String(output, StandardCharsets.UTF_8);
  }

  private ServerHarness serve() {
    return new ServerHarness(directory, ZeoServerOptions.DEFAULT);
  }

  @ParameterizedTest
  @EnumSource
  void commitsAreSeenByOthers(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "commit");
    }
  }

  @ParameterizedTest
  @EnumSource
  void conflictsAreWhatPythonSends(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "conflict");
      assertThat(harness.storage().commitLock().holder()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void loadsAndErrors(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "loads");
    }
  }

  @ParameterizedTest
  @EnumSource
  void blobsGoUpAndDown(Peer peer) throws Exception {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "blobs");
    }
    try (Stream<Path> left = Files.list(directory.resolve("blobs").resolve("tmp"))) {
      assertThat(left).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void sharedBlobDirectory(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "shared_blobs");
    }
  }

  @ParameterizedTest
  @EnumSource
  void writesToReadOnlyStorageAreRefused(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "prepare");
    }
    StorageOptions options = StorageOptions.of(directory.resolve("Data.fs"));
    try (ServerHarness harness = new ServerHarness(options, ZeoServerOptions.DEFAULT, true)) {
      run(peer, harness, "read_only");
    }
  }

  @ParameterizedTest
  @EnumSource
  void cachesAreVerified(Peer peer) {
    try (ServerHarness harness =
        new ServerHarness(directory, ZeoServerOptions.DEFAULT.withInvalidationQueueSize(20))) {
      run(peer, harness, "verify");
    }
  }

  @ParameterizedTest
  @EnumSource
  void clientsComeBack(Peer peer) {
    try (ServerHarness harness = serve()) {
      CompletableFuture<String> client =
          CompletableFuture.supplyAsync(() -> run(peer, harness, "reconnect"));
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> Files.exists(directory.resolve("ready")) || client.isDone());
      harness.server().closeClients("1", "test");
      client.join();
    }
  }

  @ParameterizedTest
  @EnumSource
  void noIncrementIsLostAndNothingIsStale(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "increments");
    }
  }

  @ParameterizedTest
  @EnumSource
  void monitoring(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "nagios");
    }
  }

  @ParameterizedTest
  @EnumSource
  void holderOfTheCommitLockIsTimedOut(Peer peer) {
    try (ServerHarness harness =
        new ServerHarness(
            directory, ZeoServerOptions.DEFAULT.withTransactionTimeout(Duration.ofSeconds(1)))) {
      run(peer, harness, "transaction_timeout");
    }
  }

  @ParameterizedTest
  @EnumSource
  void loadsAreAnsweredWhileVoteWaits(Peer peer) {
    try (ServerHarness harness = serve()) {
      run(peer, harness, "waiting_vote");
    }
  }

  @ParameterizedTest
  @EnumSource
  void interfacesAreThoseOfPythonsFileStorage(Peer peer) {
    List<StorageOptions> options =
        List.of(
            StorageOptions.of(directory.resolve("plain.fs")),
            StorageOptions.of(directory.resolve("blobs.fs"))
                .withBlobDirectory(directory.resolve("blobs")));
    StringBuilder ours = new StringBuilder();
    String theirs = "";
    for (StorageOptions each : options) {
      try (ServerHarness harness = new ServerHarness(each, ZeoServerOptions.DEFAULT, false)) {
        String info = run(peer, harness, "info");
        assertThat(info).contains("\"name\": \"" + each.file() + "\"");
        ours.append(info.replaceFirst("(?s).*\"interfaces\": ", "").replaceFirst("}\\s*$", "\n"));
        theirs = run(peer, harness, "real_info");
      }
    }
    assertThat(ours.toString()).isEqualTo(theirs);
  }
}
