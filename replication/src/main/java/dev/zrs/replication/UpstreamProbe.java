package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks an upstream, of either kind, whether it has transactions that a storage does not have: on a
 * connection of its own, as one more secondary, which takes nothing. For one thread, once.
 */
public final class UpstreamProbe {
  /** What an upstream can be found to be. */
  public sealed interface Answer {
    /** It has nothing that is not here. */
    record Level() implements Answer {}

    /**
     * It has more.
     *
     * @param next its first transaction that is not here
     */
    record Ahead(Tid next) implements Answer {}

    /** It has another history. */
    record Diverged(String reason) implements Answer {}

    /** It could not be asked, or did not say. */
    record Unknown(String reason) implements Answer {}
  }

  /**
   * An answer, and whose it is.
   *
   * @param text the address
   */
  public record Found(String text, Answer answer) {
    private boolean isMore() {
      return answer instanceof Answer.Ahead || answer instanceof Answer.Diverged;
    }
  }

  /** After its last transaction an upstream is silent. */
  private static final Duration QUIET = Duration.ofSeconds(1);

  private static final Logger LOG = LoggerFactory.getLogger("zc.zrs.secondary");
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(1);

  /** A Python primary reads a large file from its start to find where to begin. */
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final SocketAddress upstream;
  private final FileStorage storage;
  private final HistoryCheck history;
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile boolean between;
  private volatile boolean quiet;
  private volatile long since = System.nanoTime();

  /** Whether anybody accepts a connection there; takes a few seconds at most. */
  public static boolean answers(SocketAddress upstream) {
    Connector connector = new Connector(ANSWER_LIMIT, InetAddress::getAllByName, socket -> {});
    try (Link link = connector.connect(upstream)) {
      LOG.debug("{}: answers", link.peer());
      return true;
    } catch (IOException e) {
      LOG.debug("{}: does not answer: {}", Listener.text(upstream), e.toString());
      return false;
    }
  }

  private UpstreamProbe(SocketAddress upstream, FileStorage storage) {
    this.upstream = upstream;
    this.storage = storage;
    this.history = new HistoryCheck(storage, Listener.text(upstream), false);
  }

  /**
   * Asks a secondary's upstream at all addresses, at the same time; takes half a minute at most.
   * One that has what is not here goes before all others. Else it counts what the one says from
   * which the storage got its last transactions, as others may have fewer.
   */
  public static Found ask(ReplicationSecondary secondary, FileStorage storage) {
    Map<SocketAddress, Future<Answer>> asked = new LinkedHashMap<>();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (SocketAddress address : secondary.addresses()) {
        asked.put(address, executor.submit(() -> new UpstreamProbe(address, storage).ask()));
      }
    }
    List<Found> found = new ArrayList<>();
    asked.forEach((address, answer) -> found.add(new Found(Listener.text(address), of(answer))));
    String name = secondary.upstream().text();
    if (found.isEmpty()) {
      return new Found(name, new Answer.Unknown(secondary.upstream().whyNone()));
    }
    Optional<String> last = secondary.lastConnected().map(Listener::text);
    return found.stream()
        .filter(each -> each.isMore())
        .findFirst()
        .or(() -> found.stream().filter(each -> last.equals(Optional.of(each.text()))).findFirst())
        .or(
            () ->
                found.stream().filter(each -> each.answer() instanceof Answer.Unknown).findFirst())
        .orElseGet(found::getFirst);
  }

  /** All are done by now. */
  private static Answer of(Future<Answer> answer) {
    return answer.state() == Future.State.SUCCESS
        ? answer.resultNow()
        : new Answer.Unknown("it could not be asked");
  }

  private Answer ask() {
    Connector connector = new Connector(CONNECT_LIMIT, InetAddress::getAllByName, socket -> {});
    try (Link link = connector.connect(upstream)) {
      Thread.ofVirtual().name("zrs probe limit").start(() -> watch(link));
      return read(link);
    } catch (DivergedException e) {
      return new Answer.Diverged(e.difference());
    } catch (IOException | ReplicationException e) {
      return quiet
          ? new Answer.Level()
          : new Answer.Unknown(e.getMessage() == null ? e.toString() : e.getMessage());
    } finally {
      over.countDown();
    }
  }

  private Answer read(Link link) throws IOException {
    OutputStream output = link.output();
    byte[] protocol =
        (storage.blobs().isPresent() ? "zrs2.1" : "zrs2.0").getBytes(StandardCharsets.US_ASCII);
    output.write(
        ByteBuffer.allocate(4 + protocol.length + 4 + Tid.BYTES + 8)
            .putInt(protocol.length)
            .put(protocol)
            .putInt(Tid.BYTES)
            .put(history.start().toBytes())
            .array());
    output.flush();
    FrameReader input = new FrameReader(link.input(), FrameReader.UNWATCHED);
    try (TransactionAssembler assembler =
        new TransactionAssembler(
            storage,
            history.start(),
            SecondaryOptions.DEFAULT,
            new FutureTids(InstantSource.system(), link.peer()))) {
      while (true) {
        since = System.nanoTime();
        // Silence from the begin says nothing: it may be empty as we are, or have much to search.
        between = history.isDone() && !assembler.inTransaction() && input.received() > 0;
        byte[] frame = input.next(assembler.frameLimit());
        between = false;
        Arrived arrived = assembler.accept(frame);
        if (assembler.last().compareTo(storage.lastTransaction()) > 0) {
          history.later(assembler.last());
          return new Answer.Ahead(assembler.last());
        }
        switch (arrived) {
          case null -> {}
          case Arrived.Known known -> history.known(known.print());
          // The receiver, which goes on meanwhile, was quicker.
          case Arrived.New more -> more.transaction().close();
        }
      }
    }
  }

  private void watch(Link link) {
    long begun = System.nanoTime();
    try {
      while (!over.await(50, TimeUnit.MILLISECONDS)) {
        quiet = between && System.nanoTime() - since > QUIET.toNanos();
        if (quiet || System.nanoTime() - begun > LIMIT.toNanos()) {
          link.close();
          return;
        }
      }
    } catch (IOException | InterruptedException e) {
      over.countDown();
    }
  }
}
