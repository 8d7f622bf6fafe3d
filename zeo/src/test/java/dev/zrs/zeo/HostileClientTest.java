package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Bad messages end their own connection, and nothing else. */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HostileClientTest {
  private static final int MAX_FRAME = 1 << 20;
  private static final int QUERIES = 900;

  @TempDir private Path directory = Path.of("unset");

  private interface Attack {
    void run(ServerHarness harness, RawClient good) throws IOException;
  }

  /** Runs it beside a good client, which is served before and after as if nothing happened. */
  private void beside(Attack attack) throws IOException {
    ZeoLimits limits =
        ZeoLimits.DEFAULT
            .withMaxFrameBytes(MAX_FRAME)
            .withMaxConnections(20)
            .withHandshakeTimeout(Duration.ofMillis(500));
    try (ServerHarness harness =
            new ServerHarness(directory, ZeoServerOptions.DEFAULT.withLimits(limits));
        RawClient good = RawClient.register(harness.port())) {
      Tid tid = good.commit(1, Oid.ROOT, Tid.NONE, new byte[] {1});
      attack.run(harness, good);
      tid = good.commit(2, Oid.ROOT, tid, new byte[] {2});
      PyTuple revision = Py.asTuple(good.require("loadBefore", Oid.ROOT, Tid.MAX), 3);
      assertThat(Tid.of(Py.asBytes(revision.get(1)))).isEqualTo(tid);
      await().until(() -> harness.server().connections() == 1);
      assertThat(harness.storage().commitLock().holder()).isEmpty();
    }
  }

  private static byte[] deep(int levels) {
    PickleWriter out = PickleWriter.zeo().start();
    out.none();
    for (int i = 0; i < levels; i++) {
      out.tuple1();
    }
    return out.stop().toByteArray();
  }

  @Test
  void badMessagesEndTheConnection() throws IOException {
    List<byte[]> messages = new ArrayList<>();
    messages.add(new byte[0]);
    messages.add(new byte[] {(byte) 0x80});
    messages.add("some text".getBytes(StandardCharsets.US_ASCII));
    messages.add(PickleWriter.zeo().write(PyTuple.of(1L, false, "ping")).toByteArray());
    messages.add(PickleWriter.zeo().write(new PyDict()).toByteArray());
    messages.add(deep(100_000));
    messages.add(RawClient.encode(PyTuple.of(PyTuple.of(1L)), false, "ping"));
    messages.add(RawClient.encode(PyTuple.of((Object) new byte[100_000]), false, "ping"));
    messages.add(RawClient.encode(1L, false, "no_such_method"));
    messages.add(RawClient.encode(1L, false, "register", "1", false));
    messages.add(RawClient.encode(0L, true, "storea", Oid.ROOT, Tid.NONE, new byte[] {1}, 5L));
    messages.add(RawClient.encode(0L, true, "storeBlobChunk", new byte[] {1}));
    messages.add(RawClient.encode(0L, true, "tpc_begin", "no number", "", "", new PyDict()));
    messages.add(RawClient.encode(0L, true, "storea", new byte[3], new byte[9], 1.0, 5L));
    beside(
        (harness, good) -> {
          for (byte[] message : messages) {
            try (RawClient bad = RawClient.register(harness.port())) {
              bad.frame(message);
              assertThat(bad.isClosed()).isTrue();
            }
          }
        });
  }

  @Test
  void badArgumentsAreAnError() throws IOException {
    beside(
        (harness, good) -> {
          for (Object[] call :
              new Object[][] {
                {"ping", 1L},
                {"loadBefore", Oid.ROOT},
                {"loadBefore", new byte[3], Tid.MAX},
                {"loadBefore", "text", PyNone.NONE},
                {"getInvalidations", PyNone.NONE},
                {"new_oids", "many"},
                {"storea"},
                {"set_client_label", 1L},
                {"sendBlob", Oid.ROOT, 7L},
                {"pack", "noon"},
                {"history", Oid.ROOT, PyNone.NONE},
                {"undoInfo", 0L, -20L, 3L},
                {"iterator_start", "first"},
                {"iterator_gc", 1L}
              }) {
            Object[] arguments = java.util.Arrays.copyOfRange(call, 1, call.length);
            ServerMessage reply = good.call((String) call[0], arguments);
            assertThat(reply.isError()).as("%s", call).isTrue();
            assertThat(reply.error()).isEqualTo("builtins.TypeError");
          }
          assertThat(good.call("pack", Double.NaN, true).error())
              .isEqualTo("ZODB.POSException.StorageError");
          assertThat(good.call("iterator_next", 1L).error()).isEqualTo("builtins.KeyError");
        });
  }

  @Test
  void randomBytesAndDamagedMessages() throws IOException {
    Random random = new Random(42);
    List<byte[]> valid =
        List.of(
            RawClient.encode(7L, false, "loadBefore", Oid.ROOT, Tid.MAX),
            RawClient.encode(0L, true, "tpc_begin", 5L, "u", "d", new PyDict(), PyNone.NONE, " "),
            RawClient.encode(0L, true, "storea", Oid.ROOT, Tid.NONE, new byte[40], 5L),
            RawClient.encode(8L, false, "vote", 5L),
            RawClient.encode(0L, true, "storeBlobStart"),
            RawClient.encode(9L, false, "tpc_abort", 5L),
            RawClient.encode(9L, false, "iterator_gc", new PyList(List.of(1L, 2L))));
    beside(
        (harness, good) -> {
          for (int round = 0; round < 150; round++) {
            try (RawClient bad = RawClient.register(harness.port())) {
              for (int i = 0; i < 5; i++) {
                byte[] message = valid.get(random.nextInt(valid.size())).clone();
                for (int k = random.nextInt(4); k > 0; k--) {
                  message[random.nextInt(message.length)] = (byte) random.nextInt();
                }
                bad.frame(message);
              }
              byte[] noise = new byte[random.nextInt(200)];
              random.nextBytes(noise);
              bad.bytes(noise);
            } catch (IOException e) {
              // The server closed it in the midst of its input: that is one right answer.
              assertThat(e).isNotNull();
            }
          }
        });
  }

  @Test
  void frameBeyondTheLimit() throws IOException {
    beside(
        (harness, good) -> {
          try (RawClient bad = RawClient.register(harness.port())) {
            bad.bytes(new byte[] {0x7f, -1, -1, -1, 1});
            assertThat(bad.isClosed()).isTrue();
          }
          try (RawClient large = RawClient.register(harness.port())) {
            large.begin(1, new Oid(9), Tid.NONE, new byte[MAX_FRAME - 1000]);
            assertThat(large.call("tpc_abort", 1L).isError()).isFalse();
          }
        });
  }

  @Test
  void badOrMissingHandshake() throws IOException {
    beside(
        (harness, good) -> {
          for (String answer : List.of("Z4", "M5", "", "x".repeat(60), "x".repeat(65))) {
            try (RawClient bad = new RawClient(harness.port())) {
              assertThat(bad.frame()).asString().isEqualTo("Z5");
              bad.frame(answer.getBytes(StandardCharsets.US_ASCII));
              assertThat(bad.isClosed()).isTrue();
            }
          }
          try (RawClient silent = new RawClient(harness.port())) {
            assertThat(silent.frame()).asString().isEqualTo("Z5");
            assertThat(silent.isClosed()).isTrue();
          }
          try (RawClient hasty = RawClient.connect(harness.port())) {
            hasty.frame(RawClient.encode(1L, false, "ping"));
            assertThat(hasty.isClosed()).isTrue();
          }
        });
  }

  @Test
  void connectionsBeyondTheLimitAreRefused() throws IOException {
    beside(
        (harness, good) -> {
          List<RawClient> all = new ArrayList<>();
          while (harness.server().connections() < 20) {
            all.add(RawClient.connect(harness.port()));
          }
          try (RawClient beyond = new RawClient(harness.port())) {
            assertThat(beyond.isClosed()).isTrue();
          }
          for (RawClient each : all) {
            each.close();
          }
        });
  }

  @Test
  void clientThatGoesAwayFreesTheCommitLock() throws IOException {
    beside(
        (harness, good) -> {
          RawClient holder = RawClient.register(harness.port());
          holder.begin(1, new Oid(5), Tid.NONE, new byte[] {1});
          holder.require("vote", 1L);
          RawClient waiter = RawClient.register(harness.port());
          waiter.begin(1, new Oid(6), Tid.NONE, new byte[] {1});
          waiter.send("vote", 1L);
          await().until(() -> harness.storage().commitLock().waiting() == 1);
          RawClient aborter = RawClient.register(harness.port());
          aborter.begin(1, new Oid(6), Tid.NONE, new byte[] {1});
          long vote = aborter.send("vote", 1L);
          await().until(() -> harness.storage().commitLock().waiting() == 2);
          long abort = aborter.send("tpc_abort", 1L);
          assertThat(aborter.await(vote).isError()).isTrue();
          assertThat(aborter.await(abort).isError()).isFalse();
          waiter.close();
          await().until(() -> harness.storage().commitLock().waiting() == 0);
          holder.close();
          await().until(() -> harness.storage().commitLock().holder().isEmpty());
          aborter.close();
        });
  }

  @Test
  void queriesThatWaitDoNotKeepTheCommitLockOfAClientThatHasGone() throws IOException {
    beside(
        (harness, good) -> {
          Tid tid = good.commit(1, new Oid(7), Tid.NONE, new byte[100]);
          for (int i = 0; i < 2_000; i++) {
            tid = good.commit(2 + i, new Oid(7), tid, new byte[100]);
          }
          long start = System.nanoTime();
          good.require("history", new Oid(7), 1L << 40);
          long oneQuery = System.nanoTime() - start;
          RawClient holder = RawClient.register(harness.port());
          holder.begin(1, new Oid(8), Tid.NONE, new byte[] {1});
          holder.require("vote", 1L);
          for (int i = 0; i < QUERIES; i++) {
            holder.send("history", new Oid(7), 1L << 40);
          }
          start = System.nanoTime();
          holder.close();
          good.commit(3_000, new Oid(7), tid, new byte[100]);
          assertThat(System.nanoTime() - start).isLessThan(oneQuery * QUERIES / 4);
        });
  }

  @Test
  void blobThatIsNotReadDoesNotHoldUpTheVoteOfItsConnection() throws IOException {
    byte[] chunk = new byte[1 << 19];
    beside(
        (harness, good) -> {
          good.cast("tpc_begin", 1L, "", "", new PyDict(), PyNone.NONE, " ");
          good.cast("storeBlobStart");
          for (int i = 0; i < 200; i++) {
            good.cast("storeBlobChunk", chunk);
          }
          good.cast("storeBlobEnd", new Oid(7), Tid.NONE, new byte[] {1}, 1L);
          good.require("vote", 1L);
          Tid tid = Tid.of(Py.asBytes(good.require("tpc_finish", 1L)));
          try (RawClient reader = RawClient.register(harness.port())) {
            reader.send("sendBlob", new Oid(7), tid);
            reader.begin(1, new Oid(8), Tid.NONE, new byte[] {1});
            reader.send("vote", 1L);
            await().until(() -> harness.storage().commitLock().holder().isPresent());
            assertThat(harness.server().connections()).isEqualTo(2);
          }
        });
  }

  @Test
  void clientThatNeverReadsDoesNotStopOthers() throws IOException {
    beside(
        (harness, good) -> {
          try (RawClient deaf = RawClient.register(harness.port())) {
            byte[] large = new byte[900_000];
            Tid tid = good.commit(1, new Oid(7), Tid.NONE, large);
            for (int i = 0; i < 30; i++) {
              deaf.sendLoad(new Oid(7), Tid.MAX);
            }
            for (int i = 0; i < 20; i++) {
              tid = good.commit(2 + i, new Oid(7), tid, large);
            }
          }
        });
  }
}
