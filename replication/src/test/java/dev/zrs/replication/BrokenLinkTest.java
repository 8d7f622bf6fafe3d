package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.NetworkProxy;
import dev.zrs.testkit.Way;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Connections that break or get stuck where it hurts. */
@Timeout(120)
final class BrokenLinkTest {
  @TempDir private Path directory = Path.of("unset");

  @Test
  void a_reset_in_any_phase_is_taken_up_again() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    AtomicInteger connections = new AtomicInteger();
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        ReplicationPrimary primary = ReplicationTest.primary(a)) {
      Tid last = Tid.NONE;
      Random random = new Random(1);
      for (int i = 1; i <= 5; i++) {
        Replica.commitRecord(a, a.newOid(), Replica.bytes(random, 50));
        last = Replica.commit(a, random);
      }
      try (NetworkProxy network =
              new NetworkProxy(
                  primary.address(),
                  connection -> {
                    int number = connections.getAndIncrement();
                    if (number < 85) {
                      connection.resetAfter(Way.TO_CLIENT, number * 7L);
                    } else if (number < 120) {
                      connection.resetAfter(Way.TO_SERVER, number - 85L);
                    }
                  });
          ReplicationSecondary secondary =
              new ReplicationSecondary(
                  network.address(),
                  b,
                  ReplicationTest.options(Duration.ofSeconds(10))
                      .withReconnectDelay(Duration.ofMillis(2))
                      .withFirstReconnectDelay(Duration.ofMillis(1)),
                  InstantSource.system())) {
        secondary.start();
        ReplicationTest.awaitTransaction(b, last);
        assertThat(secondary.status().connections()).isGreaterThan(85);
      }
    }
    first.assertEquals(second);
  }

  /** An upstream that sends what is prepared, then nothing, and never reads. */
  private static final class StuckLink implements Link {
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicInteger writes = new AtomicInteger();
    private final InputStream prepared;

    StuckLink(byte[] stream) {
      prepared = new ByteArrayInputStream(stream);
    }

    private SocketException awaitClose() {
      try {
        closed.await();
        return new SocketException("Socket closed");
      } catch (InterruptedException e) {
        throw new AssertionError("nobody interrupts this", e);
      }
    }

    @Override
    public InputStream input() {
      return new InputStream() {
        @Override
        public int available() throws IOException {
          return prepared.available();
        }

        @Override
        public int read() throws IOException {
          throw new AssertionError("bytes are read in blocks");
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
          int count = prepared.read(target, offset, length);
          if (count < 0) {
            throw awaitClose();
          }
          return count;
        }
      };
    }

    @Override
    public OutputStream output() {
      return new OutputStream() {
        @Override
        public void write(int b) {
          throw new AssertionError("bytes are written in blocks");
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
          // There is room for the greeting, and no more.
          if (writes.getAndIncrement() > 0) {
            throw awaitClose();
          }
        }
      };
    }

    @Override
    public String local() {
      return "";
    }

    @Override
    public void endOutput() {
      throw new AssertionError("a secondary never ends its side first");
    }

    @Override
    public String peer() {
      return "stuck";
    }

    @Override
    public void close() {
      closed.countDown();
    }
  }

  @Test
  void an_upstream_that_reads_nothing_does_not_stop_the_limit_within_a_transaction()
      throws IOException {
    Replica replica = Replica.in(directory, "data");
    StuckLink link = new StuckLink(new StreamBuilder(Tid.NONE).begin(5).bytes());
    try (FileStorage storage = replica.open()) {
      SecondaryOptions options =
          ReplicationTest.options(Duration.ofMillis(300)).withKeepAliveDelay(Duration.ofMillis(1));
      ReceiverSession session =
          new ReceiverSession(
              link,
              storage,
              options,
              new StatusBoard("stuck", Tid.NONE, InstantSource.system()),
              InstantSource.system(),
              () -> {});
      assertThatThrownBy(session::run)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("timed out");
      assertThat(link.writes).hasValueGreaterThan(1);
    }
  }

  @Test
  void an_upstream_that_closes_before_the_greeting_is_written_has_refused() throws IOException {
    Replica replica = Replica.in(directory, "data");
    StuckLink link = new StuckLink(new byte[0]);
    link.writes.set(1);
    link.close();
    try (FileStorage storage = replica.open()) {
      ReceiverSession session =
          new ReceiverSession(
              link,
              storage,
              ReplicationTest.options(Duration.ofSeconds(1)),
              new StatusBoard("stuck", Tid.NONE, InstantSource.system()),
              InstantSource.system(),
              () -> {});
      assertThatThrownBy(session::run)
          .isInstanceOf(UpstreamRefusedException.class)
          .hasMessageContaining("too many connections");
    }
  }
}
