package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.Tid;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class OutboxTest {
  private final FakeConnection connection = new FakeConnection(new byte[0], 1);
  private final BufferMemory memory = new BufferMemory(Long.MAX_VALUE);
  private final Outbox outbox = new Outbox(connection, 2 * Outbox.HIGH_WATER, share());

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] frame(String text) {
    byte[] message = bytes(text);
    return ByteBuffer.allocate(4 + message.length).putInt(message.length).put(message).array();
  }

  private void reply(String text) {
    reply(outbox, text);
  }

  private static void reply(Outbox to, String text) {
    to.reply(bytes(text), text.length());
  }

  private List<String> received() throws IOException {
    List<String> messages = new ArrayList<>();
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(connection.output()));
    while (in.available() > 0) {
      messages.add(new String(in.readNBytes(in.readInt()), StandardCharsets.US_ASCII));
    }
    return messages;
  }

  private BufferMemory.Share share() {
    return memory.join("test", () -> {});
  }

  @Test
  void manyRepliesGoInOneWrite() throws IOException {
    for (int i = 0; i < 20; i++) {
      reply("reply " + i);
    }
    assertThat(connection.output()).isEmpty();
    outbox.flush();
    assertThat(received()).hasSize(20).startsWith("reply 0", "reply 1").endsWith("reply 19");
    assertThat(connection.writes()).isEqualTo(1);
    assertThat(outbox.queued()).isZero();
  }

  @Test
  void whatIsQueuedIsCountedButForWhatAllOutboxesShare() throws IOException {
    for (int i = 0; i < 100; i++) {
      reply("x".repeat(i % 2 == 0 ? 100 : 5_000));
    }
    assertThat(memory.total()).isBetween(190_000L, 260_000L);
    outbox.flush();
    assertThat(memory.total()).isLessThan(64 << 10);
    connection.block(true);
    long before = memory.total();
    outbox.announce(new Tid(1), frame("x".repeat(500_000)));
    assertThat(outbox.queued()).isGreaterThan(500_000);
    assertThat(memory.total()).isEqualTo(before);
    connection.block(false);
  }

  @Test
  void announcementsAreSentWithoutTheReader() {
    outbox.announce(new Tid(1), frame("one"), frame("two"));
    await().untilAsserted(() -> assertThat(received()).containsExactly("one", "two"));
    assertThat(outbox.announced()).isEqualTo(new Tid(1));
  }

  @Test
  void orderIsThatOfAppendingThoughManyThreadsFlush() throws Exception {
    Outbox unlimited = new Outbox(connection, Long.MAX_VALUE, share());
    AtomicInteger order = new AtomicInteger();
    List<CompletableFuture<Void>> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      boolean reader = i == 0;
      threads.add(
          CompletableFuture.runAsync(
              () -> {
                for (int k = 0; k < 500; k++) {
                  // One lock around both, so that the numbers are in the order of appending.
                  synchronized (order) {
                    String text = "message " + order.getAndIncrement() + " ".repeat(k * 13 % 9000);
                    if (reader) {
                      reply(unlimited, text);
                    } else {
                      unlimited.announce(new Tid(order.get()), frame(text));
                    }
                  }
                  flush(unlimited);
                }
              }));
    }
    threads.forEach(CompletableFuture::join);
    await().until(() -> unlimited.queued() == 0);
    List<String> messages = received();
    assertThat(messages).hasSize(2000);
    for (int i = 0; i < messages.size(); i++) {
      assertThat(messages.get(i).strip()).isEqualTo("message " + i);
    }
  }

  private static void flush(Outbox outbox) {
    try {
      outbox.flush();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void answerIsComputedAgainIfSomethingWasAnnouncedMeanwhile() throws IOException {
    outbox.announce(new Tid(5), frame("invalidate 5"));
    List<Tid> asked = new ArrayList<>();
    outbox.reply(
        (asOf, out) -> {
          asked.add(asOf);
          if (asked.size() == 1) {
            announceFromElsewhere();
          }
          out.text("as of " + asOf.value());
        },
        new PickleMessageWriter());
    outbox.flush();
    assertThat(asked).containsExactly(new Tid(5), new Tid(6));
    await().untilAsserted(() -> assertThat(received()).hasSize(3));
    assertThat(received().subList(0, 2)).containsExactly("invalidate 5", "invalidate 6");
    assertThat(received().get(2)).endsWith("as of 6");
  }

  private void announceFromElsewhere() {
    CompletableFuture.runAsync(() -> outbox.announce(new Tid(6), frame("invalidate 6"))).join();
  }

  @Test
  void clientThatDoesNotReadIsDisconnectedAndNobodyWaits() {
    connection.block(true);
    byte[] frame = frame("x".repeat(100_000));
    int sent = 0;
    while (!connection.isClosed()) {
      outbox.announce(new Tid(++sent), frame);
      assertThat(sent).isLessThan(100);
    }
    assertThat(sent * 100_000L).isGreaterThan(2 * Outbox.HIGH_WATER);
    outbox.announce(new Tid(1000), frame);
    await().until(() -> !connection.isWriting());
  }

  @Test
  void readerWaitsForClient() throws Exception {
    connection.block(true);
    outbox.announce(new Tid(1), frame("first"));
    await().until(connection::isWriting);
    reply("y".repeat(Outbox.HIGH_WATER + 1));
    List<String> events = Collections.synchronizedList(new ArrayList<>());
    CompletableFuture<Boolean> room = awaitRoom();
    CompletableFuture<Void> noted = room.thenAccept(open -> events.add("room"));
    events.add("unblocked");
    connection.block(false);
    assertThat(room.get(10, TimeUnit.SECONDS)).isTrue();
    noted.get(10, TimeUnit.SECONDS);
    assertThat(events).containsExactly("unblocked", "room");
  }

  private CompletableFuture<Boolean> awaitRoom() {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return outbox.awaitRoom();
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void closeEndsWaits() throws Exception {
    connection.block(true);
    outbox.announce(new Tid(1), frame("z".repeat(Outbox.HIGH_WATER + 1)));
    await().until(connection::isWriting);
    CompletableFuture<Boolean> room = awaitRoom();
    outbox.close();
    assertThat(room.get(10, TimeUnit.SECONDS)).isFalse();
    long before = outbox.queued();
    reply("ignored");
    assertThat(outbox.queued()).isEqualTo(before);
  }
}
