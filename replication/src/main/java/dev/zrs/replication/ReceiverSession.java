package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to the upstream: asks for what follows the storage's last transaction, and applies
 * what comes until the connection ends. For the receiver's thread; a second one sends keep-alives.
 *
 * <p>Whatever has arrived whole is applied before this waits for more, also within a transaction
 * and when the connection ends: so a slow network delays nothing that is complete, and a network
 * that breaks all the time still gets on.
 */
final class ReceiverSession {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");

  private final Link link;
  private final FileStorage storage;
  private final SecondaryOptions options;
  private final StatusBoard board;
  private final TransactionAssembler assembler;
  private final RestoreBatch batch;
  private final FrameReader input;
  private final Tid start;
  private long counted;
  private boolean limited;

  ReceiverSession(Link link, FileStorage storage, SecondaryOptions options, StatusBoard board)
      throws IOException {
    this.link = link;
    this.storage = storage;
    this.options = options;
    this.board = board;
    this.start = storage.lastTransaction();
    this.assembler = new TransactionAssembler(storage, start, options.maxFrame());
    this.batch = new RestoreBatch(storage, options.batchBytes(), options.batchTransactions());
    this.input = new FrameReader(link.input(), this::allUsed);
  }

  /**
   * Follows until the connection ends, which is always by an exception.
   *
   * @throws IOException if the upstream or this side closes it, or it breaks
   * @throws ReplicationException if what comes in is wrong; nothing of that is visible
   * @throws StorageException if it can't be applied
   */
  void run() throws IOException {
    CountDownLatch over = new CountDownLatch(1);
    try (assembler;
        batch) {
      OutputStream output = link.output();
      String protocol = storage.blobs().isPresent() ? "zrs2.1" : "zrs2.0";
      output.write(frame(protocol.getBytes(StandardCharsets.US_ASCII)));
      output.write(frame(start.toBytes()));
      output.flush();
      if (options.keepAliveDelay().isPositive()) {
        Thread.ofVirtual()
            .name("zrs keep-alive " + link.peer())
            .start(() -> keepAlive(output, over));
      }
      receive();
    } finally {
      countBytes();
      over.countDown();
    }
  }

  private static byte[] frame(byte[] body) {
    return ByteBuffer.allocate(4 + body.length).putInt(body.length).put(body).array();
  }

  private void receive() throws IOException {
    try {
      while (true) {
        accept(input.next(assembler.frameLimit()));
      }
    } catch (EOFException e) {
      applyRest(e);
      throw input.received() > 0 ? e : refused(e);
    } catch (IOException | ReplicationException e) {
      applyRest(e);
      throw e;
    }
  }

  /** A primary gives no reason when it refuses; these are all that it can have. */
  private static EOFException refused(EOFException end) {
    EOFException refusal =
        new EOFException(
            "the upstream closed without a word: it is stopping, or is behind us (its last tid is"
                + " lower than ours), or has blobs while we have no blob-dir; its log says which");
    refusal.initCause(end);
    return refusal;
  }

  private void accept(byte[] frame) throws IOException {
    TransactionBuffer complete = assembler.accept(frame);
    if (complete == null) {
      return;
    }
    batch.add(complete);
    board.received(assembler.last());
    if (batch.isFull()) {
      board.change(SecondaryState.CATCHING_UP, "transactions come faster than they are applied");
      apply();
    }
  }

  /** Called when the next read would wait. */
  private void allUsed() throws IOException {
    countBytes();
    apply();
    boolean middle = assembler.inTransaction() || input.isWithinFrame();
    if (middle != limited) {
      limited = middle;
      // Between transactions an idle upstream is silent for as long as it likes.
      link.readTimeout(middle ? options.transactionLimit() : Duration.ZERO);
    }
    if (!middle) {
      board.change(SecondaryState.LIVE, "all that was sent is applied");
    }
  }

  private void countBytes() {
    board.arrived(input.received() - counted);
    counted = input.received();
  }

  private void apply() {
    if (!batch.isEmpty()) {
      batch.apply();
      board.applied(storage.lastTransaction());
    }
  }

  /** The checksums of these transactions were right, whatever came after them. */
  private void applyRest(Exception reason) {
    try {
      apply();
    } catch (StorageException e) {
      e.addSuppressed(reason);
      throw e;
    }
  }

  private void keepAlive(OutputStream output, CountDownLatch over) {
    try {
      while (!over.await(options.keepAliveDelay().toMillis(), TimeUnit.MILLISECONDS)) {
        output.write(new byte[4]);
        output.flush();
      }
    } catch (IOException e) {
      // The reading side sees the same end, and says so.
      LOG.debug("{}: keep-alive failed: {}", link.peer(), e.toString());
    } catch (InterruptedException e) {
      LOG.debug("{}: keep-alive interrupted", link.peer());
    }
  }
}
