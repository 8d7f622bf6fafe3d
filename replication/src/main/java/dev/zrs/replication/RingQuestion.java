package dev.zrs.replication;

import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks an upstream who it is and whom it follows, on a connection of its own. zc.zrs has no answer:
 * it closes, with a line about the protocol in its log; it is not asked again while the connection
 * to it lasts. Any thread may call.
 *
 * <p>In place of a protocol's name stands {@value #QUESTION}; the answer is one frame of lines: the
 * id of the server, the id of its upstream, and so on, as far as it knows.
 */
final class RingQuestion {
  static final String QUESTION = "zrs-ring";

  /** Servers in a row that are told. */
  static final int MAX_SERVERS = 32;

  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final int MAX_ANSWER = 4_096;

  /** As {@link java.util.UUID} writes it. */
  private static final Pattern ID = Pattern.compile("[0-9a-f-]{36}");

  private final Connector connector;
  private final AtomicBoolean asking = new AtomicBoolean();
  private volatile @Nullable SocketAddress upstream;
  private volatile boolean refused;

  RingQuestion(Connector connector) {
    this.connector = connector;
  }

  /** Whom to ask from now on. A new connection may lead to another server, or to a newer one. */
  void connected(SocketAddress address) {
    upstream = address;
    refused = false;
  }

  /**
   * The ids of the upstream and of those that it follows, none if it does not say; empty if it need
   * not be asked now.
   */
  Optional<List<String>> ask() {
    SocketAddress address = upstream;
    if (address == null || refused || !asking.compareAndSet(false, true)) {
      return Optional.empty();
    }
    try {
      List<String> ids = askNow(address);
      // The answer of one that is not followed any more says nothing.
      return address.equals(upstream) ? Optional.of(ids) : Optional.empty();
    } finally {
      asking.set(false);
    }
  }

  private List<String> askNow(SocketAddress address) {
    CountDownLatch over = new CountDownLatch(1);
    try (Link link = connector.connect(address)) {
      Thread.ofVirtual().name("zrs ring limit").start(() -> limit(link, over));
      return ask(link, address);
    } catch (IOException e) {
      LOG.debug("{}: can't be asked whom it follows: {}", Listener.text(address), e.toString());
      return List.of();
    } finally {
      over.countDown();
    }
  }

  private List<String> ask(Link link, SocketAddress address) throws IOException {
    OutputStream output = link.output();
    byte[] question = QUESTION.getBytes(StandardCharsets.US_ASCII);
    output.write(
        ByteBuffer.allocate(4 + question.length).putInt(question.length).put(question).array());
    output.flush();
    try {
      byte[] answer =
          new FrameReader(link.input(), FrameReader.UNWATCHED, MAX_ANSWER).next(MAX_ANSWER);
      // What is told on to others must not grow on its way.
      return new String(answer, StandardCharsets.US_ASCII)
          .lines()
          .filter(ID.asMatchPredicate())
          .limit(MAX_SERVERS)
          .toList();
    } catch (IOException | ReplicationException e) {
      LOG.debug("{}: does not say whom it follows: {}", link.peer(), e.toString());
      refused = address.equals(upstream);
      return List.of();
    }
  }

  private static void limit(Link link, CountDownLatch over) {
    try {
      if (!over.await(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        link.close();
      }
    } catch (IOException | InterruptedException e) {
      LOG.debug("ending a question failed: {}", e.toString());
    }
  }
}
