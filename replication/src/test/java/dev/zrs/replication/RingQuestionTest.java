package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.storage.Tid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is asked of an upstream that may not know the question, or lie. */
@Timeout(60)
final class RingQuestionTest {
  private static void answer(ServerSocket server, byte[] answer) {
    Thread.ofVirtual()
        .start(
            () -> {
              try (Socket socket = server.accept()) {
                socket.getInputStream().readNBytes(4 + RingQuestion.QUESTION.length());
                socket.getOutputStream().write(answer);
              } catch (IOException e) {
                throw new AssertionError("the question did not come", e);
              }
            });
  }

  @Test
  void who_has_no_answer_is_asked_again_only_on_the_next_connection() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      RingQuestion question =
          new RingQuestion(
              new Connector(Duration.ofSeconds(10), InetAddress::getAllByName, socket -> {}));
      SocketAddress address = Objects.requireNonNull(server.getLocalSocketAddress());
      assertThat(question.ask()).isEmpty();
      question.connected(address);
      answer(server, new byte[0]);
      assertThat(question.ask()).contains(List.of());
      assertThat(question.ask()).isEmpty();
      question.connected(address);
      String id = UUID.randomUUID().toString();
      String lines =
          id
              + "\nnot an id\n\u001b[2J\n"
              + "x".repeat(100)
              + "\n"
              + id.toUpperCase(Locale.ROOT)
              + "\n";
      answer(
          server,
          new StreamBuilder(Tid.NONE).frame(lines.getBytes(StandardCharsets.US_ASCII)).bytes());
      assertThat(question.ask()).contains(List.of(id));
      // An answer that is too long is none.
      answer(server, new StreamBuilder(Tid.NONE).raw(0, 0, 0x10, 1).bytes());
      assertThat(question.ask()).contains(List.of());
      assertThat(question.ask()).isEmpty();
    }
  }
}
