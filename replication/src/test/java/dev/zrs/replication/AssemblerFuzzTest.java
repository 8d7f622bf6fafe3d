package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionReader;
import dev.zrs.storage.TransactionRecord;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Streams that are wrong in thousands of ways. The number in a failure's description is the seed of
 * that one.
 */
@Timeout(60)
final class AssemblerFuzzTest {
  private static final SecondaryOptions OPTIONS =
      SecondaryOptions.DEFAULT.withSizeLimits(1 << 20, 1_000);

  private static final int DAMAGED_STREAMS = 3_000;
  private static final int HOSTILE_STREAMS = 150;

  /** The transactions of {@link #rightFrames}. */
  private static final List<Tid> SENT = List.of(new Tid(1), new Tid(2), new Tid(3), new Tid(4));

  @TempDir private Path directory = Path.of("unset");

  /** Four transactions with records, an undo, an undone creation and blobs, frame by frame. */
  private static List<byte[]> rightFrames() {
    StreamBuilder stream =
        new StreamBuilder(Tid.NONE)
            .transaction(1, new byte[] {1, 2, 3})
            .begin(2)
            .blob(2, 2, 2)
            .frame(Replica.BLOB_RECORD)
            .frame(new byte[1 << 16])
            .frame(new byte[9])
            .commit()
            .begin(3, "p")
            .message("S", new Oid(1).toBytes(), new Tid(3).toBytes(), "", new Tid(1).toBytes())
            .frame(new byte[] {1, 2, 3})
            .record(4, 3)
            .frame(new byte[0])
            .commit()
            .message("T", new Tid(4).toBytes(), " ", new byte[3], new byte[70], new PyDict())
            .message("B", new Oid(9).toBytes(), new Tid(4).toBytes(), "", PyNone.NONE, 0L)
            .frame(Replica.BLOB_RECORD)
            .commit();
    ByteBuffer bytes = ByteBuffer.wrap(stream.bytes());
    List<byte[]> frames = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] frame = new byte[bytes.getInt()];
      bytes.get(frame);
      frames.add(frame);
    }
    return frames;
  }

  private static byte[] joined(List<byte[]> frames) {
    StreamBuilder stream = new StreamBuilder(Tid.NONE);
    frames.forEach(stream::frame);
    return stream.bytes();
  }

  /**
   * Takes in a stream; notes the tids of what was complete.
   *
   * @return the message with which it ended; any exception but the expected ones comes through
   */
  private static String outcome(
      FileStorage storage, byte[] stream, List<Tid> complete, boolean apply) {
    FrameReader reader = new FrameReader(new ByteArrayInputStream(stream), FrameReader.UNWATCHED);
    try (TransactionAssembler assembler =
        new TransactionAssembler(
            storage,
            storage.lastTransaction(),
            OPTIONS,
            new FutureTids(InstantSource.system(), "test"))) {
      while (true) {
        Arrived arrived = assembler.accept(reader.next(assembler.frameLimit()));
        if (arrived instanceof Arrived.New fresh) {
          try (TransactionBuffer transaction = fresh.transaction()) {
            complete.add(assembler.last());
            if (apply) {
              storage.restoreAll(List.of(transaction));
            }
          }
        }
      }
    } catch (ReplicationException | IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void the_stream_that_is_damaged_here_is_right() throws IOException {
    Replica replica = Replica.in(directory, "data");
    try (FileStorage storage = replica.open()) {
      List<Tid> complete = new ArrayList<>();
      assertThat(outcome(storage, joined(rightFrames()), complete, true))
          .isEqualTo("the connection was closed");
      assertThat(complete).isEqualTo(SENT);
      assertThat(storage.lastTransaction()).isEqualTo(SENT.getLast());
    }
    assertThat(replica.blobContents()).hasSize(2);
  }

  @Test
  void damage_gives_one_kind_of_error_and_never_a_transaction_that_was_not_sent()
      throws IOException {
    Replica replica = Replica.in(directory, "data");
    byte[] right = joined(rightFrames());
    try (FileStorage storage = replica.open()) {
      for (int seed = 0; seed < DAMAGED_STREAMS; seed++) {
        Random random = new Random(seed);
        byte[] damaged = right.clone();
        int at = random.nextInt(random.nextBoolean() ? right.length : 400);
        switch (random.nextInt(3)) {
          case 0 -> damaged[at] ^= (byte) (1 + random.nextInt(255));
          case 1 -> damaged = Arrays.copyOf(damaged, at);
          default -> random.nextBytes(damaged);
        }
        List<Tid> complete = new ArrayList<>();
        assertThat(outcome(storage, damaged, complete, false)).as("seed %d", seed).isNotEmpty();
        assertThat(complete).as("seed %d", seed).isEqualTo(SENT.subList(0, complete.size()));
      }
    }
    assertThat(replica.blobContents()).isEmpty();
  }

  /** Frames lost, doubled, exchanged and changed, under checksums that are right all the same. */
  private static byte[] hostile(Random random) {
    List<byte[]> frames = new ArrayList<>(rightFrames());
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      int at = random.nextInt(frames.size());
      byte[] frame = frames.get(at).clone();
      switch (random.nextInt(4)) {
        case 0 -> frames.remove(at);
        case 1 -> frames.add(random.nextInt(frames.size()), frame);
        case 2 -> frames.set(at, frames.set(random.nextInt(frames.size()), frame));
        default -> {
          for (int j = 1 + random.nextInt(4); j > 0 && frame.length > 0; j--) {
            frame[random.nextInt(Math.min(frame.length, 200))] = (byte) random.nextInt(256);
          }
          frames.set(at, frame);
        }
      }
    }
    StreamBuilder stream = new StreamBuilder(Tid.NONE);
    for (byte[] frame : frames) {
      if (startsWith(frame, "(X\u0001\0\0\0C")) {
        stream.commit();
      } else {
        stream.frame(frame);
      }
    }
    return stream.bytes();
  }

  private static boolean startsWith(byte[] frame, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    return frame.length >= bytes.length
        && Arrays.equals(frame, 0, bytes.length, bytes, 0, bytes.length);
  }

  @Test
  void a_primary_that_lies_under_right_checksums_can_not_break_the_storage() {
    int applied = 0;
    for (int seed = 0; seed < HOSTILE_STREAMS; seed++) {
      Replica replica = Replica.in(directory, "data" + seed);
      List<Tid> complete = new ArrayList<>();
      try (FileStorage storage = replica.open()) {
        outcome(storage, hostile(new Random(seed)), complete, true);
        assertThat(storage.failure()).as("seed %d", seed).isEmpty();
      } catch (StorageException e) {
        // Such as a back-pointer to itself: refused when it is applied.
        complete.removeLast();
      }
      assertThat(complete).as("seed %d", seed).isSorted();
      try (FileStorage storage = replica.open()) {
        assertThat(tids(storage)).as("seed %d", seed).isEqualTo(complete);
      }
      applied += complete.size();
    }
    // Otherwise the lies are so gross that nothing was tested.
    assertThat(applied).isGreaterThan(HOSTILE_STREAMS / 2);
  }

  /** Of all that is there, after having read all of its records. */
  private static List<Tid> tids(FileStorage storage) {
    List<Tid> tids = new ArrayList<>();
    try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        tids.add(transaction.tid());
        while (transaction.nextRecord() != null) {
          // To read it is all that is asked for.
        }
        transaction = reader.next();
      }
    }
    return tids;
  }
}
