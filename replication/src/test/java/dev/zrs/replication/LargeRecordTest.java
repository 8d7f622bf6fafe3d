package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.TransactionReader;
import dev.zrs.storage.VotedTransaction;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Records that are large compared with what a connection may cost. */
@Timeout(120)
final class LargeRecordTest {
  private static final int LARGE = 40_000_000;

  /** What sending any transaction may allocate: far less than its record. */
  private static final long MOST_ALLOCATED = 8_000_000;

  @TempDir private Path directory = Path.of("unset");
  private final Random random = new Random(1);

  @Test
  void records_of_all_sizes_round_the_pieces_arrive_also_undone() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        ReplicationPrimary primary = ReplicationTest.primary(a);
        ReplicationSecondary secondary = ReplicationTest.secondary(primary.address(), b)) {
      int oid = 1;
      for (int size : new int[] {65_535, 65_536, 65_537, 131_072, 131_073, 3_000_000}) {
        Tid one = Replica.commitRecord(a, new Oid(oid), Replica.bytes(random, size));
        Tid other;
        try (TransactionBuffer buffer = a.begin(TransactionMetadata.EMPTY, null)) {
          buffer.store(new Oid(oid), one, Replica.bytes(random, 5));
          other = commit(a, buffer);
        }
        // A back-pointer to the large record.
        try (TransactionBuffer buffer = a.begin(TransactionMetadata.EMPTY, null)) {
          buffer.undo(other);
          commit(a, buffer);
        }
        oid++;
      }
      ReplicationTest.awaitTransaction(b, a.lastTransaction());
      assertThat(secondary.status().lastError()).isEmpty();
    }
    first.assertEquals(second);
  }

  private static Tid commit(FileStorage storage, TransactionBuffer buffer) {
    VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
    voted.finish();
    return voted.tid();
  }

  private static OutputStream counting(AtomicLong sent) {
    return new OutputStream() {
      @Override
      public void write(int each) {
        sent.incrementAndGet();
      }

      @Override
      public void write(byte[] bytes, int offset, int length) {
        sent.addAndGet(length);
      }
    };
  }

  @Test
  void to_send_a_large_record_takes_little_memory() throws IOException {
    Replica first = Replica.in(directory, "first");
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (FileStorage a = first.open()) {
      Replica.commitRecord(a, new Oid(1), Replica.bytes(random, LARGE));
      AtomicLong sent = new AtomicLong();
      MessageDigest checksum = Md5.startingWith(Tid.NONE.toBytes());
      FrameWriter output = new FrameWriter(counting(sent), checksum);
      TransactionSender sender =
          new TransactionSender(a, output, checksum, "test", new MissingBlobs(), false);
      long before = threads.getCurrentThreadAllocatedBytes();
      try (TransactionReader reader = a.transactionsAfter(Tid.NONE)) {
        sender.send(Objects.requireNonNull(reader.next()));
      }
      output.flush();
      assertThat(sent.get()).isGreaterThan(LARGE);
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MOST_ALLOCATED);
    }
  }

  @Test
  void a_record_that_is_too_large_for_a_secondary_is_named_with_what_helps() {
    Replica first = Replica.in(directory, "first");
    Replica second = Replica.in(directory, "second");
    try (FileStorage a = first.open();
        FileStorage b = second.open();
        ReplicationPrimary primary = ReplicationTest.primary(a)) {
      Tid before = Replica.commitRecord(a, new Oid(1), new byte[10]);
      Replica.commitRecord(a, new Oid(2), new byte[1_000_001]);
      try (ReplicationSecondary secondary =
          new ReplicationSecondary(
              primary.address(),
              b,
              ReplicationTest.options(ReplicationTest.LIMIT).withSizeLimits(1_000_000, 1_000),
              InstantSource.system())) {
        secondary.start();
        await()
            .atMost(ReplicationTest.LIMIT)
            .untilAsserted(
                () ->
                    assertThat(secondary.status().lastError().orElse(""))
                        .contains("1000001 bytes", "for a data record", "-Xmx"));
      }
      assertThat(b.lastTransaction()).isEqualTo(before);
    }
  }
}
