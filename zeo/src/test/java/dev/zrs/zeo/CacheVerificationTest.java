package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What clients are told that come back with a cache. */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class CacheVerificationTest {
  private static final int QUEUE = 3;

  @TempDir private Path directory = Path.of("unset");
  private final List<Tid> tids = new ArrayList<>();

  private static ZeoServerOptions options() {
    return ZeoServerOptions.DEFAULT.withInvalidationQueueSize(QUEUE);
  }

  /** Commits objects 1, 2, 3 and so on, one in each transaction. */
  private void commit(FileStorage storage, int count) {
    for (int i = 0; i < count; i++) {
      TransactionMetadata none = new TransactionMetadata(new byte[0], new byte[0], new byte[0]);
      try (TransactionBuffer buffer = storage.begin(none, null)) {
        buffer.store(new Oid(tids.size() + 1), Tid.NONE, new byte[] {1});
        storage.vote(buffer, storage.commitLock().claim("test")).finish();
      }
      tids.add(storage.lastTransaction());
    }
  }

  /** The objects that a client must forget; null for all. */
  private static @Nullable List<Oid> ask(ServerHarness harness, Tid after) throws IOException {
    try (RawClient client = RawClient.register(harness.port())) {
      Object answer = client.require("getInvalidations", after);
      if (answer == PyNone.NONE) {
        return null;
      }
      assertThat(Py.asTuple(answer, 2).get(0))
          .isEqualTo(harness.storage().lastTransaction().toBytes());
      return Py.asSequence(Py.asTuple(answer, 2).get(1)).stream()
          .map(oid -> Oid.of(Py.asBytes(oid)))
          .toList();
    }
  }

  @Test
  void theQueueKnowsTheLastTransactionsAlsoAfterARestart() throws IOException {
    for (int start = 0; start < 2; start++) {
      try (ServerHarness harness = new ServerHarness(directory, options())) {
        if (start == 0) {
          commit(harness.storage(), 5);
        }
        assertThat(ask(harness, tids.get(4))).isEmpty();
        assertThat(ask(harness, tids.get(2))).containsExactlyInAnyOrder(new Oid(4), new Oid(5));
        assertThat(ask(harness, tids.get(1))).isNull();
      }
    }
  }

  @Test
  void whatIsNotInTheQueueIsReadFromTheFileIfItIsYoung() throws IOException {
    ZeoServerOptions young = options().withInvalidationAge(Duration.ofMinutes(10));
    try (ServerHarness harness = new ServerHarness(directory, young)) {
      commit(harness.storage(), 9);
      assertThat(ask(harness, tids.get(0))).hasSize(8).contains(new Oid(2), new Oid(9));
      assertThat(ask(harness, tids.get(8))).isEmpty();
    }
    ZeoServerOptions veryYoung = options().withInvalidationAge(Duration.ofNanos(1));
    try (ServerHarness harness = new ServerHarness(directory, veryYoung)) {
      assertThat(ask(harness, tids.get(0))).isNull();
    }
  }

  @Test
  void aTransactionOfAnotherHistoryMeansToForgetAll() throws IOException {
    ZeoServerOptions young = options().withInvalidationAge(Duration.ofMinutes(10));
    try (ServerHarness harness = new ServerHarness(directory, young)) {
      commit(harness.storage(), 9);
      // Between two transactions of ours, in the queue and before it, and after the last.
      assertThat(ask(harness, middle(tids.get(7), tids.get(8)))).isNull();
      assertThat(ask(harness, middle(tids.get(1), tids.get(2)))).isNull();
      assertThat(ask(harness, new Tid(tids.get(8).value() + 1000))).isNull();
    }
  }

  private static Tid middle(Tid one, Tid next) {
    assertThat(next.value() - one.value()).isGreaterThan(2);
    return new Tid((one.value() + next.value()) / 2);
  }

  @Test
  void whatMayHaveBeenPackedAwayIsNoOtherHistory() throws IOException {
    ZeoServerOptions young = options().withInvalidationAge(Duration.ofMinutes(10));
    try (ServerHarness harness = new ServerHarness(directory, young)) {
      try (RawClient client = RawClient.register(harness.port())) {
        Tid serial = Tid.NONE;
        for (long i = 1; i <= 9; i++) {
          serial = client.commit(i, new Oid(0), serial, ROOT);
          tids.add(serial);
        }
        harness.storage().pack(serial);
      }
      commit(harness.storage(), 1);
      assertThat(ask(harness, tids.get(2))).contains(new Oid(0));
    }
  }

  /** A record without references: two pickles of None. */
  private static final byte[] ROOT = {'N', '.', 'N', '.'};
}
