package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;

/**
 * Follows an upstream: one thread connects, receives transactions and applies them to the storage,
 * and begins again when the connection ends, from where the storage stands. Any thread may call.
 *
 * <p>While more transactions have already arrived, they are applied in batches whose syncs are
 * shared; when nothing more is there, at once. Nothing of a transaction is visible before its
 * checksum was right.
 */
public final class ReplicationSecondary implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");
  private static final Marker CRITICAL = MarkerFactory.getMarker("CRITICAL");
  private static final Duration STOP_LIMIT = Duration.ofSeconds(60);

  private final SocketAddress upstream;
  private final FileStorage storage;
  private final SecondaryOptions options;
  private final InstantSource clock;
  private final Thread thread;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final AtomicReference<@Nullable Link> connection = new AtomicReference<>();

  /** Written by the receiver's thread only. */
  private volatile SecondaryStatus status;

  /**
   * Prepares to follow.
   *
   * @param storage stays the caller's; it must be closed after this, and nobody else may write to
   *     it
   */
  public ReplicationSecondary(
      SocketAddress upstream, FileStorage storage, SecondaryOptions options, InstantSource clock) {
    this.upstream = upstream;
    this.storage = storage;
    this.options = options;
    this.clock = clock;
    Tid last = storage.lastTransaction();
    this.status =
        new SecondaryStatus(
            SecondaryState.CONNECTING,
            clock.instant(),
            Listener.text(upstream),
            last,
            last,
            0,
            0,
            Optional.empty());
    this.thread =
        Thread.ofPlatform()
            .name("zrs receiver " + Listener.text(upstream))
            .daemon()
            .unstarted(this::run);
  }

  /** Begins to follow. */
  public void start() {
    LOG.info("Opening {} {}", storage.name(), Listener.text(upstream));
    thread.start();
  }

  /** How it is doing now. */
  public SecondaryStatus status() {
    return status;
  }

  private void run() {
    long delay = options.firstReconnectDelay().toMillis();
    while (!isClosing()) {
      Tid before = storage.lastTransaction();
      change(SecondaryState.CONNECTING, "");
      String reason = connectAndFollow();
      if (isClosing()) {
        break;
      }
      if (!storage.lastTransaction().equals(before)) {
        delay = options.firstReconnectDelay().toMillis();
      }
      change(SecondaryState.WAITING, reason);
      pause(delay / 2 + ThreadLocalRandom.current().nextLong(delay / 2 + 1));
      delay = Math.min(2 * delay, options.reconnectDelay().toMillis());
    }
    change(SecondaryState.CLOSED, "told to stop");
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private void pause(long millis) {
    try {
      if (closing.await(millis, TimeUnit.MILLISECONDS)) {
        LOG.debug("told to stop while waiting to reconnect");
      }
    } catch (InterruptedException e) {
      LOG.debug("interrupted while waiting to reconnect");
    }
  }

  /** Follows until the connection ends; returns why it did. */
  private String connectAndFollow() {
    String peer = Listener.text(upstream);
    try (Link link = Link.connect(upstream, options.connectLimit())) {
      connection.set(link);
      if (isClosing()) {
        return "told to stop";
      }
      status = connected();
      LOG.info("{}: Connected", peer);
      follow(link);
      return "closed";
    } catch (ReplicationException | StorageException e) {
      if (!isClosing()) {
        LOG.error(CRITICAL, "{}: Input data error: {}", peer, e.getMessage());
      }
      return e.getMessage() == null ? "error" : e.getMessage();
    } catch (IOException e) {
      String reason = e.getMessage() == null ? e.toString() : e.getMessage();
      LOG.info("{}: Disconnected {}", peer, reason);
      return reason;
    } finally {
      connection.set(null);
    }
  }

  private void follow(Link link) throws IOException {
    Tid start = storage.lastTransaction();
    OutputStream output = link.output();
    String protocol = storage.blobs().isPresent() ? "zrs2.1" : "zrs2.0";
    output.write(frame(protocol.getBytes(StandardCharsets.US_ASCII)));
    output.write(frame(start.toBytes()));
    output.flush();
    CountDownLatch over = new CountDownLatch(1);
    if (options.keepAliveDelay().isPositive()) {
      Thread.ofVirtual()
          .name("zrs keep-alive " + link.peer())
          .start(() -> keepAlive(link, output, over));
    }
    try (TransactionAssembler assembler = new TransactionAssembler(storage, start);
        Batch batch = new Batch()) {
      receive(link, new FrameReader(link.input(), options.maxFrame()), assembler, batch);
    } finally {
      over.countDown();
    }
  }

  private static byte[] frame(byte[] body) {
    return ByteBuffer.allocate(4 + body.length).putInt(body.length).put(body).array();
  }

  private void keepAlive(Link link, OutputStream output, CountDownLatch over) {
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

  private void receive(Link link, FrameReader input, TransactionAssembler assembler, Batch batch)
      throws IOException {
    boolean limited = false;
    long counted = 0;
    while (!isClosing()) {
      if (assembler.inTransaction() != limited) {
        limited = !limited;
        link.readTimeout(limited ? options.transactionLimit() : Duration.ZERO);
      }
      if (!assembler.inTransaction() && !input.hasMore()) {
        batch.apply();
        change(SecondaryState.LIVE, "all that was sent is applied");
      }
      TransactionBuffer complete = assembler.accept(input.next());
      if (complete != null) {
        if (status.state() == SecondaryState.LIVE && input.hasMore()) {
          change(SecondaryState.CATCHING_UP, "more has arrived");
        }
        batch.add(complete);
        status = received(assembler.last(), input.received() - counted);
        counted = input.received();
        if (batch.isFull()) {
          batch.apply();
        }
      }
    }
  }

  /** Complete transactions that are not applied yet. For the receiver's thread. */
  private final class Batch implements AutoCloseable {
    private final List<TransactionBuffer> transactions = new ArrayList<>();
    private long bytes;

    void add(TransactionBuffer transaction) {
      transactions.add(transaction);
      bytes += transaction.byteCount();
    }

    boolean isFull() {
      return bytes >= options.batchBytes() || transactions.size() >= options.batchTransactions();
    }

    void apply() {
      storage.restoreAll(transactions);
      close();
      status = applied();
    }

    @Override
    public void close() {
      transactions.forEach(TransactionBuffer::close);
      transactions.clear();
      bytes = 0;
    }
  }

  private void change(SecondaryState state, String reason) {
    SecondaryStatus old = status;
    if (old.state() == state) {
      return;
    }
    LOG.info(
        "{}: {} -> {}{}",
        old.upstream(),
        old.state(),
        state,
        reason.isEmpty() ? "" : " (" + reason + ")");
    status =
        new SecondaryStatus(
            state,
            clock.instant(),
            old.upstream(),
            old.received(),
            old.applied(),
            old.receivedBytes(),
            old.connections(),
            state == SecondaryState.WAITING ? Optional.of(reason) : old.lastError());
  }

  private SecondaryStatus connected() {
    SecondaryStatus old = status;
    return new SecondaryStatus(
        SecondaryState.CATCHING_UP,
        clock.instant(),
        old.upstream(),
        old.received(),
        old.applied(),
        old.receivedBytes(),
        old.connections() + 1,
        old.lastError());
  }

  private SecondaryStatus received(Tid tid, long bytes) {
    SecondaryStatus old = status;
    return new SecondaryStatus(
        old.state(),
        old.since(),
        old.upstream(),
        tid,
        old.applied(),
        old.receivedBytes() + bytes,
        old.connections(),
        old.lastError());
  }

  private SecondaryStatus applied() {
    SecondaryStatus old = status;
    return new SecondaryStatus(
        old.state(),
        old.since(),
        old.upstream(),
        old.received(),
        storage.lastTransaction(),
        old.receivedBytes(),
        old.connections(),
        old.lastError());
  }

  /** Stops following; waits, with a limit, until what was received is applied or dropped. */
  @Override
  public void close() {
    if (isClosing()) {
      return;
    }
    LOG.info("Closing {} {}", storage.name(), Listener.text(upstream));
    closing.countDown();
    Link link = connection.get();
    try {
      if (link != null) {
        link.close();
      }
      if (thread.getState() != Thread.State.NEW && !thread.join(STOP_LIMIT)) {
        LOG.error("the receiver of {} did not stop in time", storage.name());
      }
    } catch (IOException e) {
      LOG.warn("closing the connection to the upstream failed: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
