package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Conflicts that only the client can resolve, and the commit lock that it keeps meanwhile. */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ConflictTest {
  private static final Oid ONE = new Oid(1);
  private static final Oid TWO = new Oid(2);
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String CONFLICT_ERROR = "ZODB.POSException.ConflictError";

  @TempDir private Path directory = Path.of("unset");

  private static RawClient client(ServerHarness harness) throws IOException {
    return RawClient.register(harness.port());
  }

  private static byte[] data(int value) {
    return new byte[] {(byte) value};
  }

  private static List<PyDict> conflicts(ServerMessage vote) {
    assertThat(vote.isError()).isFalse();
    return Py.asSequence(vote.arguments()).stream().map(Py::asDict).toList();
  }

  private static Tid committed(PyDict conflict) {
    return Tid.of(
        Py.asBytes(Py.asTuple(Objects.requireNonNull(conflict.get("serials")), 2).get(0)));
  }

  private static Tid read(PyDict conflict) {
    return Tid.of(
        Py.asBytes(Py.asTuple(Objects.requireNonNull(conflict.get("serials")), 2).get(1)));
  }

  /**
   * @param read what the change is based on
   * @param committed what it should be based on
   */
  private record TooLate(Tid read, Tid committed) {}

  /** Begins transaction 3 with a change of object 1 that comes too late. */
  private static TooLate beginTooLate(RawClient client) throws IOException {
    Tid read = client.commit(1, ONE, Tid.NONE, data(1));
    Tid committed = client.commit(2, ONE, read, data(2));
    client.begin(3, ONE, read, data(3));
    return new TooLate(read, committed);
  }

  /** Resolves that conflict and commits. */
  private static Tid resolve(RawClient client, TooLate late, byte[] data) throws IOException {
    client.cast("storea", ONE, late.committed(), data, 3L);
    assertThat(Py.asSequence(client.require("vote", 3L))).isEmpty();
    return Tid.of(Py.asBytes(client.require("tpc_finish", 3L)));
  }

  private static void awaitFree(ServerHarness harness) {
    await().atMost(LIMIT).until(() -> harness.storage().commitLock().holder().isEmpty());
  }

  @Test
  void allConflictsGoToTheClientWhichResolvesThemUnderTheLock() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = client(harness);
        RawClient other = client(harness)) {
      Tid one = client.commit(1, ONE, Tid.NONE, data(1));
      Tid two = client.commit(2, TWO, Tid.NONE, data(2));
      Tid newOne = other.commit(1, ONE, one, data(11));
      Tid newTwo = other.commit(2, TWO, two, data(12));

      client.begin(3, ONE, one, data(21));
      client.cast("storea", TWO, two, data(22), 3L);
      client.cast("storea", new Oid(3), Tid.NONE, data(23), 3L);
      List<PyDict> found = conflicts(client.call("vote", 3L));

      assertThat(found).hasSize(2);
      assertThat(found.get(0).get("oid")).isEqualTo(ONE.toBytes());
      assertThat(committed(found.get(0))).isEqualTo(newOne);
      assertThat(read(found.get(0))).isEqualTo(one);
      assertThat(found.get(0).get("data")).isEqualTo(data(21));
      assertThat(found.get(1).get("oid")).isEqualTo(TWO.toBytes());
      assertThat(committed(found.get(1))).isEqualTo(newTwo);

      // Nobody else gets in between.
      other.begin(4, ONE, newOne, data(31));
      long waiting = other.send("vote", 4L);
      await().atMost(LIMIT).until(() -> harness.storage().commitLock().waiting() == 1);
      assertThat(client.require("loadSerial", ONE, newOne)).isEqualTo(data(11));
      client.cast("storea", ONE, newOne, data(41), 3L);
      client.cast("storea", TWO, newTwo, data(42), 3L);
      assertThat(Py.asSequence(client.require("vote", 3L))).isEmpty();
      Tid finished = Tid.of(Py.asBytes(client.require("tpc_finish", 3L)));

      PyDict last = conflicts(other.await(waiting)).getFirst();
      assertThat(committed(last)).isEqualTo(finished);
      assertThat(client.require("loadSerial", ONE, finished)).isEqualTo(data(41));
      assertThat(client.require("loadSerial", TWO, finished)).isEqualTo(data(42));
      assertThat(client.require("loadSerial", new Oid(3), finished)).isEqualTo(data(23));
      other.require("tpc_abort", 4L);
      awaitFree(harness);
    }
  }

  @Test
  void aConflictThatIsNotResolvedIsThereAgain() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = client(harness)) {
      TooLate late = beginTooLate(client);
      for (int i = 0; i < 9; i++) {
        assertThat(conflicts(client.call("vote", 3L))).hasSize(1);
        assertThat(client.call("tpc_finish", 3L).error()).isEqualTo("builtins.AssertionError");
      }
      client.require("tpc_abort", 3L);
      assertThat(harness.storage().commitLock().holder()).isEmpty();
      client.begin(4, ONE, late.read(), data(3));
      assertThat(conflicts(client.call("vote", 4L))).hasSize(1);
    }
  }

  @Test
  void theEndOfTheConnectionFreesTheLock() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient other = client(harness)) {
      try (RawClient client = client(harness)) {
        beginTooLate(client);
        assertThat(conflicts(client.call("vote", 3L))).hasSize(1);
        assertThat(harness.storage().commitLock().holder()).isPresent();
      }
      awaitFree(harness);
      other.commit(1, TWO, Tid.NONE, data(1));
    }
  }

  @Test
  void whoDoesNotResolveInTimeIsDisconnected() throws IOException {
    ZeoServerOptions options =
        ZeoServerOptions.DEFAULT.withLimits(
            ZeoLimits.DEFAULT.withConflictTimeout(Duration.ofSeconds(2)));
    try (ServerHarness harness = new ServerHarness(directory, options);
        RawClient other = client(harness);
        RawClient client = client(harness)) {
      beginTooLate(client);
      assertThat(conflicts(client.call("vote", 3L))).hasSize(1);
      assertThat(client.isClosed()).isTrue();
      awaitFree(harness);
      other.commit(1, TWO, Tid.NONE, data(1));
    }
  }

  @Test
  void theTransactionTimeoutCountsIfItIsShorter() throws IOException {
    ZeoServerOptions options =
        ZeoServerOptions.DEFAULT.withTransactionTimeout(Duration.ofSeconds(2));
    try (ServerHarness harness = new ServerHarness(directory, options);
        RawClient client = client(harness)) {
      Tid one = commitOutside(harness, ONE, Tid.NONE, 1);
      commitOutside(harness, ONE, one, 2);
      client.begin(3, ONE, one, data(3));
      assertThat(conflicts(client.call("vote", 3L))).hasSize(1);
      assertThat(client.isClosed()).isTrue();
      awaitFree(harness);
    }
  }

  /** Without a client, which the time-out might hit. */
  private static Tid commitOutside(ServerHarness harness, Oid oid, Tid serial, int value) {
    FileStorage storage = harness.storage();
    try (TransactionBuffer buffer =
        storage.begin(new TransactionMetadata(new byte[0], new byte[0], new byte[0]), null)) {
      buffer.store(oid, serial, data(value));
      storage.vote(buffer, storage.commitLock().claim("test")).finish();
    }
    return storage.lastTransaction();
  }

  @Test
  void blobsAreKeptUntilTheConflictIsResolved() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = client(harness)) {
      TooLate late = beginTooLate(client);
      client.cast("storea", TWO, Tid.NONE, data(4), 3L);
      client.cast("storeBlobStart");
      client.cast("storeBlobChunk", "content".getBytes(StandardCharsets.UTF_8));
      client.cast("storeBlobEnd", TWO, Tid.NONE, data(4), 3L);
      assertThat(conflicts(client.call("vote", 3L))).hasSize(1);
      Tid finished = resolve(client, late, data(5));
      Path blob = harness.storage().blobs().orElseThrow().file(TWO, finished);
      assertThat(Files.readString(blob)).isEqualTo("content");
    }
  }

  @Test
  void aBlobObjectInConflictIsOneConflictAndCanBeResolvedToo() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = client(harness)) {
      TooLate late = beginTooLate(client);
      client.cast("storeBlobStart");
      client.cast("storeBlobEnd", ONE, late.read(), data(3), 3L);
      assertThat(conflicts(client.call("vote", 3L))).hasSize(1);
      Tid finished = resolve(client, late, data(5));
      assertThat(harness.storage().blobs().orElseThrow().file(ONE, finished)).exists();
      assertThat(client.require("loadSerial", ONE, finished)).isEqualTo(data(5));
    }
  }

  @Test
  void whatWasOnlyReadIsNoConflictForTheClient() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = client(harness)) {
      Tid one = client.commit(1, ONE, Tid.NONE, data(1));
      Tid two = client.commit(2, TWO, Tid.NONE, data(1));
      client.commit(3, ONE, one, data(2));
      client.commit(4, TWO, two, data(2));
      client.begin(5, ONE, one, data(3));
      client.cast("checkCurrentSerialInTransaction", TWO, two, 5L);
      assertThat(client.call("vote", 5L).error()).isEqualTo("ZODB.POSException.ReadConflictError");
      assertThat(harness.storage().commitLock().holder()).isEmpty();
    }
  }

  @Test
  void whatIsTooLargeToBeSentBackIsAnError() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = client(harness)) {
      Tid one = client.commit(1, ONE, Tid.NONE, data(1));
      client.commit(2, ONE, one, data(2));
      client.begin(3, ONE, one, new byte[17 << 20]);
      assertThat(client.call("vote", 3L).error()).isEqualTo(CONFLICT_ERROR);
      assertThat(harness.storage().commitLock().holder()).isEmpty();
    }
  }
}
