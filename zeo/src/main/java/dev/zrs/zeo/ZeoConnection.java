package dev.zrs.zeo;

import dev.zrs.pickle.PickleException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection from its first byte to its end. Its reader thread runs {@link #run}; every other
 * thread that wants to end it calls {@link #close}, which ends the reader, which cleans up.
 */
final class ZeoConnection implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");

  /** Instead of the protocol: asks for the status. */
  static final String STATUS_REQUEST = "ruok";

  /** Longest greeting of either side, in bytes. */
  static final int MAX_HANDSHAKE = 64;

  private final ServerContext context;
  private final ByteConnection connection;
  private final FrameReader reader;
  private final Outbox outbox;
  private final ClientLog log;
  private final ConnectionThreads threads;
  private final Runnable ended;
  private final BufferMemory.Share share;
  private volatile @Nullable Session session;

  /**
   * A connection that is not served yet.
   *
   * @param threads starts what serves it beside the reader
   * @param ended called when nothing of it is left
   */
  ZeoConnection(
      ServerContext context, ByteConnection connection, ConnectionThreads threads, Runnable ended) {
    this.context = context;
    this.connection = connection;
    this.ended = ended;
    ZeoLimits limits = context.options().limits();
    this.share = context.buffers().join(connection.peer(), connection::close);
    this.reader = new FrameReader(connection, MAX_HANDSHAKE);
    this.reader.countIn(share);
    this.outbox = new Outbox(connection, limits.maxQueuedBytes(), share);
    this.log = new ClientLog(connection.peer());
    this.threads = threads;
  }

  /** Ends it soon. Any thread, any number of times. */
  void close() {
    outbox.close();
  }

  /** Ends it without its having been served. */
  void abandon() {
    close();
    share.leave();
  }

  /** Ends it soon, as the server stops; the client is to come back. Any thread. */
  void closeAtStop() {
    Session known = session;
    if (known == null || !known.sendAway()) {
      close();
    }
  }

  /** Whether its client has this storage. Any thread. */
  boolean uses(String storage) {
    Session known = session;
    return known != null && known.uses(storage);
  }

  /** Whether its client has this storage and reads only. Any thread. */
  boolean reads(String storage) {
    Session known = session;
    return known != null && known.reads(storage);
  }

  String peer() {
    return connection.peer();
  }

  @Override
  public void run() {
    try {
      Optional<Encoding> encoding = greet();
      if (encoding.isPresent()) {
        serve(encoding.get());
      }
    } catch (ProtocolException | PickleException e) {
      LOG.warn("closing the connection of {}: {}", log.label(), e.getMessage());
    } catch (IOException e) {
      LOG.debug("Disconnected {}: {}", log.label(), e.toString());
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      LOG.error("closing the connection of {}", log.label(), e);
    } finally {
      outbox.close();
      share.leave();
      ended.run();
    }
  }

  private Optional<Encoding> greet() throws IOException {
    try {
      return handshake();
    } catch (ProtocolException e) {
      context
          .refusals()
          .write(() -> LOG.warn("closing the connection of {}: {}", peer(), e.getMessage()));
      return Optional.empty();
    }
  }

  /** Agrees on the encoding; empty if there is nothing more to do. */
  private Optional<Encoding> handshake() throws IOException {
    ScheduledFuture<?> timer =
        context
            .timers()
            .schedule(
                this::handshakeTimedOut,
                context.options().limits().handshakeTimeout().toNanos(),
                TimeUnit.NANOSECONDS);
    try {
      connection.handshake();
      LOG.info("Connected {}", peer());
      send((context.options().msgpack() ? Encoding.MSGPACK : Encoding.PICKLE).greeting());
      if (!reader.next()) {
        return Optional.empty();
      }
    } finally {
      timer.cancel(false);
    }
    String answer =
        new String(reader.buffer(), reader.offset(), reader.length(), StandardCharsets.ISO_8859_1);
    if (answer.equals(STATUS_REQUEST)) {
      send(StatusJson.of(context.services().values()));
      return Optional.empty();
    }
    Optional<Encoding> encoding = Encoding.of(answer);
    if (encoding.isEmpty()) {
      throw new ProtocolException("bad handshake '%s'".formatted(printable(answer)));
    }
    LOG.info("received handshake '{}'", answer);
    return encoding;
  }

  private static String printable(String text) {
    return text.replaceAll("[^ -~]", "?");
  }

  private void handshakeTimedOut() {
    context
        .refusals()
        .write(() -> LOG.warn("closing the connection of {}: {}", peer(), connection.silence()));
    close();
  }

  private void send(byte[] message) throws IOException {
    outbox.reply(message, message.length);
    outbox.flush();
  }

  private void serve(Encoding encoding) throws IOException {
    Session made = new Session(context, new Replies(encoding, outbox, log, this::close), threads);
    session = made;
    reader.setMaxFrame(context.options().limits().maxFrameBytes());
    boolean named = false;
    try {
      while (handleNext(made)) {
        if (!named && made.storageName() != null) {
          Thread.currentThread().setName(threadName(made, "reader"));
          named = true;
        }
      }
    } finally {
      // Ends the worker's waits for the client before waiting for the worker.
      outbox.close();
      made.end();
    }
  }

  private String threadName(Session session, String part) {
    return "zeo %s %s %s".formatted(session.storageName(), peer(), part);
  }

  private boolean handleNext(Session session) throws IOException {
    if (!reader.hasFrame()) {
      outbox.flush();
    }
    if (!reader.next()) {
      return false;
    }
    session.handle(reader.buffer(), reader.offset(), reader.length());
    return outbox.awaitRoom();
  }
}
