package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.StorageOptions;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that want to write, where it is not known yet whether they may. */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class WriteGateTest {
  @TempDir private Path directory = Path.of("unset");

  /** Says nothing until it is told what to say. */
  private static final class Undecided implements WriteGate {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean decided;
    private boolean refuses = true;
    private int waiting;

    @Override
    public boolean refuses() {
      lock.lock();
      try {
        return refuses;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public boolean awaitWrites(BooleanSupplier gone) {
      lock.lock();
      try {
        waiting++;
        while (!decided && !gone.getAsBoolean()) {
          changed.awaitUninterruptibly();
        }
        waiting--;
        return !refuses;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void wake() {
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    int waiting() {
      lock.lock();
      try {
        return waiting;
      } finally {
        lock.unlock();
      }
    }

    void decide(boolean refused) {
      lock.lock();
      try {
        refuses = refused;
        decided = true;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private ServerHarness serve(WriteGate gate) {
    return new ServerHarness(
        StorageOptions.of(directory.resolve("Data.fs")), ZeoServerOptions.DEFAULT, gate);
  }

  private static RawClient waiting(ServerHarness harness, Undecided gate) throws IOException {
    RawClient client = RawClient.connect(harness.port());
    client.send("register", "1", false);
    await().until(() -> gate.waiting() == 1);
    return client;
  }

  @Test
  void writes_if_it_turns_out_so() throws IOException {
    Undecided gate = new Undecided();
    try (ServerHarness harness = serve(gate);
        RawClient client = waiting(harness, gate);
        RawClient reader = RawClient.connect(harness.port())) {
      // Others are served meanwhile.
      reader.require("register", "1", true);
      gate.decide(false);
      assertThat(client.await(1L).arguments()).isEqualTo(Tid.NONE.toBytes());
      client.require("new_oids");
      assertThat(harness.server().closeReaders("1", "test")).isTrue();
      assertThat(reader.isClosed()).isTrue();
      client.require("ping");
      assertThat(harness.server().closeClients("2", "test")).isTrue();
      client.require("ping");
      assertThat(harness.server().closeClients("1", "test")).isTrue();
      assertThat(client.isClosed()).isTrue();
    }
  }

  @Test
  void reads_if_it_turns_out_so_and_it_asks_for_that() throws IOException {
    Undecided gate = new Undecided();
    try (ServerHarness harness = serve(gate);
        RawClient client = waiting(harness, gate)) {
      gate.decide(true);
      assertThat(client.await(1L).error()).isEqualTo("ZODB.POSException.ReadOnlyError");
      client.require("register", "1", true);
      assertThat(client.call("new_oids").error()).isEqualTo("ZODB.POSException.ReadOnlyError");
    }
  }

  @Test
  void says_nothing_else_while_it_waits() throws IOException {
    Undecided gate = new Undecided();
    try (ServerHarness harness = serve(gate);
        RawClient client = waiting(harness, gate)) {
      client.send("register", "1", true);
      assertThat(client.isClosed()).isTrue();
      await().until(() -> gate.waiting() == 0 && harness.server().connections() == 0);
    }
  }

  @Test
  void nothing_is_left_of_one_that_goes_away() throws IOException {
    Undecided gate = new Undecided();
    try (ServerHarness harness = serve(gate)) {
      waiting(harness, gate).close();
      await().until(() -> gate.waiting() == 0 && harness.server().connections() == 0);
    }
  }

  /** One that was refused would not come back when the server runs again. */
  @Test
  void is_not_refused_when_the_server_stops() throws IOException {
    Undecided gate = new Undecided();
    try (ServerHarness harness = serve(gate);
        RawClient client = waiting(harness, gate)) {
      harness.server().close();
      assertThat(client.await(1L).isError()).isFalse();
      assertThat(client.isClosed()).isTrue();
    }
  }
}
