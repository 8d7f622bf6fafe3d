package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.TransactionBuffer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the upstream: compares histories, then applies what comes until the connection
 * ends. For the receiver's thread.
 *
 * <p>Whatever has arrived whole is applied before this waits for more, also within a transaction
 * and when the connection ends: so a slow network delays nothing that is complete, and a network
 * that breaks all the time still gets on.
 */
final class ReceiverSession implements FrameReader.Waiting {
  private final Link link;
  private final FileStorage storage;
  private final SecondaryOptions options;
  private final StatusBoard board;
  private final Runnable idle;
  private final HistoryCheck history;
  private final TransactionAssembler assembler;
  private final RestoreBatch batch;
  private final FrameReader input;
  private @Nullable SessionWatch watch;
  private long counted;

  /**
   * @param idle called, on another thread, when nothing has come for a while
   */
  ReceiverSession(
      Link link,
      FileStorage storage,
      SecondaryOptions options,
      StatusBoard board,
      InstantSource clock,
      Runnable idle)
      throws IOException {
    this.link = link;
    this.storage = storage;
    this.options = options;
    this.board = board;
    this.idle = idle;
    this.history = new HistoryCheck(storage, link.peer(), options.acceptPacked());
    this.assembler =
        new TransactionAssembler(
            storage, history.start(), options, new FutureTids(clock, link.peer()));
    this.batch = new RestoreBatch(storage, options.batchBytes(), options.batchTransactions());
    this.input = new FrameReader(link.input(), this);
  }

  /**
   * Follows until the connection ends, which is always by an exception.
   *
   * @throws UpstreamRefusedException if the upstream closes it without a byte
   * @throws IOException if the upstream or this side closes it, or it breaks
   * @throws DivergedException if the upstream has another history
   * @throws ReplicationException if what comes in is wrong; nothing of that is visible
   * @throws StorageException if it can't be applied
   */
  void run() throws IOException {
    try (assembler;
        batch) {
      OutputStream output = link.output();
      greet(output);
      try (SessionWatch watching = new SessionWatch(link, options, board, idle);
          KeepAlive keepAlive = new KeepAlive(output, link.peer(), options.keepAliveDelay())) {
        watch = watching;
        Thread.ofVirtual().name("zrs watch " + link.peer()).start(watching);
        keepAlive.start();
        receive();
      }
    } finally {
      countBytes();
    }
  }

  /** An upstream that refuses at once may have closed before all of it is written. */
  private void greet(OutputStream output) throws UpstreamRefusedException {
    try {
      output.write(greeting());
      output.flush();
    } catch (IOException e) {
      throw new UpstreamRefusedException(e);
    }
  }

  /**
   * The protocol, the start, and two keep-alives at once, which nobody else sends: they tell a
   * primary of ours that this secondary compares histories itself.
   */
  private byte[] greeting() throws IOException {
    ByteArrayOutputStream greeting = new ByteArrayOutputStream();
    String protocol = storage.blobs().isPresent() ? "zrs2.1" : "zrs2.0";
    greeting.write(frame(protocol.getBytes(StandardCharsets.US_ASCII)));
    greeting.write(frame(history.start().toBytes()));
    greeting.write(frame());
    greeting.write(frame());
    return greeting.toByteArray();
  }

  private static byte[] frame(byte... body) {
    return ByteBuffer.allocate(4 + body.length).putInt(body.length).put(body).array();
  }

  private void receive() throws IOException {
    try {
      while (true) {
        accept(input.next(assembler.frameLimit()));
      }
    } catch (IOException e) {
      applyRest(e);
      if (watch != null && watch.hasStalled()) {
        throw stalled(e);
      }
      throw input.received() > 0 ? e : new UpstreamRefusedException(e);
    } catch (ReplicationException e) {
      applyRest(e);
      throw e;
    } finally {
      if (assembler.inTransaction()
          && history.isDone()
          && assembler.last().compareTo(storage.lastTransaction()) > 0) {
        board.incomplete(assembler.last());
      }
    }
  }

  private IOException stalled(IOException e) {
    return new IOException(
        "timed out: the upstream was silent for %d ms within a transaction"
            .formatted(options.transactionLimit().toMillis()),
        e);
  }

  private void accept(byte[] frame) {
    switch (assembler.accept(frame)) {
      case null -> {}
      case Arrived.Known known -> history.known(known.print());
      case Arrived.New arrived -> add(arrived.transaction());
    }
  }

  private void add(TransactionBuffer transaction) {
    // From here on it is closed with the batch.
    batch.add(transaction);
    history.later(assembler.last());
    board.received(assembler.last());
    if (batch.isFull()) {
      board.behind();
      apply();
    }
  }

  @Override
  public void begins() {
    countBytes();
    apply();
    boolean within = assembler.inTransaction() || input.isWithinFrame();
    if (!within && history.isDone()) {
      board.level();
    }
    board.waits();
    if (watch != null) {
      watch.waits(
          within
              ? SessionWatch.Waiting.WITHIN
              : history.isDone() ? SessionWatch.Waiting.BETWEEN : SessionWatch.Waiting.FIRST);
    }
  }

  @Override
  public void ends() {
    board.works();
    if (watch != null) {
      watch.works();
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
      if (reason instanceof DivergedException) {
        return;
      }
      apply();
    } catch (StorageException e) {
      e.addSuppressed(reason);
      throw e;
    }
  }
}
