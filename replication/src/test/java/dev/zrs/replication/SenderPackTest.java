package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.TransactionReader;
import dev.zrs.storage.TransactionRecord;
import dev.zrs.storage.VotedTransaction;
import dev.zrs.testkit.Logged;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.InstantSource;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pack of the primary's file while a secondary is still reading the one before. */
@Timeout(60)
final class SenderPackTest {
  private static final Oid BLOB = new Oid(7);

  @TempDir private Path directory = Path.of("unset");

  private static Tid commitBlob(FileStorage storage, Tid serial, byte[] content)
      throws IOException {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      Path temporary = storage.blobs().orElseThrow().createTemporary();
      Files.write(temporary, content);
      buffer.storeBlob(BLOB, serial, Replica.BLOB_RECORD.clone(), temporary);
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }

  @Test
  void a_blob_that_is_packed_away_meanwhile_is_not_a_missing_one() throws IOException {
    Replica replica = Replica.in(directory, "data");
    MissingBlobs missing = new MissingBlobs();
    try (FileStorage storage =
            FileStorage.open(
                FaultWorkload.options(replica), new RealDisk(), InstantSource.system());
        Logged logged = new Logged("zc.zrs")) {
      Tid old = commitBlob(storage, Tid.NONE, new byte[100_000]);
      Tid present = commitBlob(storage, old, new byte[200]);
      ByteArrayOutputStream sent = new ByteArrayOutputStream();
      try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
        MessageDigest checksum = Md5.startingWith(Tid.NONE.toBytes());
        FrameWriter output = new FrameWriter(sent, checksum);
        TransactionSender sender =
            new TransactionSender(storage, output, checksum, "test", missing, true);
        TransactionRecord first = Objects.requireNonNull(reader.next());
        assertThat(first.tid()).isEqualTo(old);
        storage.pack(Tid.MAX);
        assertThat(storage.blobs().orElseThrow().exists(BLOB, old)).isFalse();
        sender.send(first);
        TransactionRecord second = Objects.requireNonNull(reader.next());
        assertThat(second.tid()).isEqualTo(present);
        sender.send(second);
        output.flush();
      }
      assertThat(sent.size()).isBetween(200, 5_000);
      assertThat(missing.count()).isZero();
      assertThat(logged.lines())
          .anyMatch(line -> line.startsWith("INFO") && line.contains("packed away meanwhile"))
          .noneMatch(line -> line.startsWith("ERROR"));
    }
  }
}
