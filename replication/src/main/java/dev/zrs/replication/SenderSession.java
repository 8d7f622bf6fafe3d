package dev.zrs.replication;

import dev.zrs.storage.Ancestry;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TidTooHighException;
import dev.zrs.storage.TransactionReader;
import dev.zrs.storage.TransactionRecord;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connected secondary. Its own thread calls {@link #run}; any thread may call the rest. A
 * second thread reads what the secondary says later, which is only that it is there.
 */
final class SenderSession {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.primary");
  private static final String PROTOCOL_PLAIN = "zrs2.0";
  private static final String PROTOCOL_BLOBS = "zrs2.1";

  /** The longest thing that a secondary has to say: a tid. */
  static final int MAX_FRAME = Tid.BYTES;

  /** A greeting and keep-alives are short. */
  private static final int INPUT_BUFFER = 1 << 10;

  /** The two frames follow the start tid at once; a secondary of zc.zrs waits a second at least. */
  private static final Duration COMPARES_WAIT = Duration.ofMillis(500);

  /** How soon a sender that waits for commits sees that it should end. */
  private static final Duration FEED_WAIT = Duration.ofMillis(200);

  /**
   * How long a secondary may take to read what the system's buffers hold, a few megabytes, and to
   * close.
   */
  private static final Duration END_LIMIT = Duration.ofSeconds(10);

  private final Link link;
  private final FileStorage storage;
  private final PrimaryOptions options;
  private final Shared shared;
  private final String peer;
  private final CountDownLatch handshake = new CountDownLatch(1);

  private final CountDownLatch ended = new CountDownLatch(1);
  private final Instant since;
  private volatile Optional<String> protocol = Optional.empty();
  private volatile Tid sent = Tid.NONE;
  private volatile boolean draining;
  private volatile boolean gone;

  /** Why this side ended the connection, or saw it end; the first reason counts. */
  private final AtomicReference<@Nullable String> endReason = new AtomicReference<>();

  /** It follows this storage; until then its lines in the log are few. */
  private volatile boolean known;

  /** What all connections of a primary have in common. */
  interface Shared {
    MissingBlobs missingBlobs();

    OwnConnections ownConnections();

    /** The ids of the servers from this one up. */
    List<String> lineage();

    StrangerLog strangerLog();
  }

  SenderSession(
      Link link, FileStorage storage, PrimaryOptions options, Shared shared, Instant since) {
    this.link = link;
    this.shared = shared;
    this.since = since;
    this.storage = storage;
    this.options = options;
    this.peer = link.peer();
  }

  /** Serves the secondary until one of the two sides ends it. */
  void run() {
    if (mayLog()) {
      LOG.info("{}: Connected", peer);
    }
    String reason = "closed";
    try {
      serve();
    } catch (TidTooHighException e) {
      reason = "tid too high";
      error(String.valueOf(e.getMessage()));
    } catch (ReplicationException | StorageException e) {
      reason = "error";
      error(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      String known = endReason.get();
      reason = known == null ? text(e) : known;
    } catch (RuntimeException | OutOfMemoryError e) {
      // Memory may be short because of one large record; the other secondaries may still be well.
      reason = "error";
      LOG.error("{}: unexpected error", peer, e);
    } finally {
      handshake.countDown();
      cut(reason);
      if (mayLog()) {
        LOG.info("{}: Disconnected {}", peer, reason);
      }
      ended.countDown();
    }
  }

  private static String text(IOException e) {
    return e instanceof EOFException ? String.valueOf(e.getMessage()) : e.toString();
  }

  private boolean mayLog() {
    return known || shared.strangerLog().mayWrite();
  }

  private void error(String text) {
    if (mayLog()) {
      LOG.error("{}: {}", peer, text);
    }
  }

  private void serve() throws IOException {
    Thread.ofVirtual().name("zrs handshake " + peer).start(this::limitHandshake);
    FrameReader input = new FrameReader(link.input(), FrameReader.UNWATCHED, INPUT_BUFFER);
    byte[] said = input.next(MAX_FRAME);
    if (new String(said, StandardCharsets.ISO_8859_1).equals(RingQuestion.QUESTION)) {
      answerRingQuestion();
      return;
    }
    checkProtocol(said);
    byte[] start = input.next(MAX_FRAME);
    if (start.length != Tid.BYTES) {
      throw new ReplicationException("Invalid transaction id, " + describe(start));
    }
    handshake.countDown();
    Tid tid = Tid.of(start);
    if (mayLog()) {
      LOG.info("{}: start {} ({})", peer, tid, tid.toUtcText());
    }
    sent = tid;
    SecondaryVoice voice = new SecondaryVoice(input, peer, this::cut);
    Thread.ofVirtual().name("zrs keep-alive " + peer).start(voice);
    MessageDigest checksum = Md5.startingWith(start);
    FrameWriter output = new FrameWriter(link.output(), checksum);
    TransactionSender sender =
        new TransactionSender(
            storage, output, checksum, peer, shared.missingBlobs(), options.strictBlobs());
    try {
      checkOwn();
      // Opened first: a start that was ahead then is none of this history, whatever is committed.
      try (TransactionReader reader = storage.transactionsAfter(tid, () -> !gone)) {
        checkHistory(tid, voice);
        known = true;
        send(reader, tid, sender, output);
      }
    } catch (ReplicationException | StorageException e) {
      // What is wrong here is no reason to keep the transactions before it from the secondary.
      try {
        endAfter(output, voice);
      } catch (IOException end) {
        e.addSuppressed(end);
      }
      throw e;
    }
    endAfter(output, voice);
  }

  private void checkOwn() {
    if (shared.ownConnections().isOwn(peer)) {
      throw new ReplicationException(
          "this is this server itself: its replicate-from leads to its own replicate-to");
    }
  }

  private void answerRingQuestion() throws IOException {
    handshake.countDown();
    byte[] answer = String.join("\n", shared.lineage()).getBytes(StandardCharsets.US_ASCII);
    FrameWriter output = new FrameWriter(link.output(), Md5.startingWith(new byte[0]));
    output.write(answer);
    output.flush();
  }

  /**
   * A secondary that goes on from a transaction which is not part of this history would silently
   * become a mixture of two. One that compares is let through: it finds out itself, and can tell
   * its operator more.
   */
  private void checkHistory(Tid start, SecondaryVoice voice) {
    Ancestry ancestry = storage.ancestry(start, () -> !gone);
    if (ancestry == Ancestry.PACKED_AWAY) {
      LOG.warn(
          "{}: transaction {} is not here; it is older than the last pack, which may have removed"
              + " it: going on with the next one",
          peer,
          start);
    } else if (ancestry == Ancestry.UNKNOWN && !voice.awaitCompares(COMPARES_WAIT)) {
      throw new ReplicationException(
          ("refused: transaction %s (%s UTC), the last one of this secondary, was never here,"
                  + " though it is younger than the last pack: its history has diverged from ours,"
                  + " and it must be set up anew from a copy")
              .formatted(start, start.toUtcText()));
    }
  }

  /**
   * Ends the connection when the secondary has read everything. Closing at once would not do: with
   * a keep-alive that nobody has read, the system resets the connection, and what the secondary has
   * not read by then is lost.
   */
  private void endAfter(FrameWriter output, SecondaryVoice voice) throws IOException {
    output.flush();
    link.endOutput();
    if (!voice.awaitSilence(END_LIMIT)) {
      LOG.warn("{}: did not close within {} ms after the end", peer, END_LIMIT.toMillis());
    }
  }

  /** A limit for all of it together, which a peer that sends a byte now and then can't stretch. */
  private void limitHandshake() {
    try {
      long limit = options.handshakeLimit().toMillis();
      if (!handshake.await(limit, TimeUnit.MILLISECONDS)) {
        error("did not say what it wants within %d ms".formatted(limit));
        cut("error");
      }
    } catch (InterruptedException e) {
      cut("interrupted");
    }
  }

  private void checkProtocol(byte[] said) {
    String name = new String(said, StandardCharsets.ISO_8859_1);
    if (name.equals(PROTOCOL_PLAIN)) {
      if (storage.blobs().isPresent()) {
        throw new ReplicationException(
            "Invalid protocol " + describe(said) + ". Require >= 2.1, because there are blobs");
      }
    } else if (!name.equals(PROTOCOL_BLOBS)) {
      throw new ReplicationException("Invalid protocol " + describe(said));
    }
    protocol = Optional.of(name);
  }

  private void send(
      TransactionReader reader, Tid start, TransactionSender sender, FrameWriter output)
      throws IOException {
    Tid last = start;
    while (!gone) {
      boolean lastRound = draining;
      TransactionRecord transaction = reader.next();
      if (transaction != null) {
        sender.send(transaction);
        last = transaction.tid();
        sent = last;
        continue;
      }
      output.flush();
      if (lastRound) {
        return;
      }
      storage.feed().awaitAfter(last, FEED_WAIT);
    }
  }

  /** How far it is. */
  SenderStatus status(Instant now) {
    Tid position = sent;
    return new SenderStatus(peer, protocol, since, position, storage.backlogAfter(position), now);
  }

  private static String describe(byte[] bytes) {
    StringBuilder text = new StringBuilder("b'");
    for (byte each : bytes) {
      text.append(
          each >= ' ' && each < 127 ? String.valueOf((char) each) : "\\x%02x".formatted(each));
    }
    return text.append('\'').toString();
  }

  /**
   * Has the session end as soon as everything that is committed is sent; at once, if the secondary
   * has not said yet where to begin.
   */
  void drain() {
    draining = true;
    if (!hasGreeted()) {
      cut("told to stop");
    }
  }

  /** Whether it has said what it wants. */
  boolean hasGreeted() {
    return handshake.getCount() == 0;
  }

  /** When it connected. */
  Instant since() {
    return since;
  }

  /**
   * Ends the connection at once.
   *
   * @param reason for the log
   */
  void cut(String reason) {
    endReason.compareAndSet(null, reason);
    gone = true;
    try {
      link.close();
    } catch (IOException e) {
      LOG.debug("{}: closing failed: {}", peer, e.toString());
    }
  }

  /** Waits for the end of {@link #run}; returns whether it came. */
  boolean awaitEnd(Duration limit) {
    try {
      return ended.await(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** The secondary, for messages. */
  String peer() {
    return peer;
  }
}
