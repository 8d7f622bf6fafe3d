package dev.zrs.server.control;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Speaks to a running server. Any thread may call. */
public final class ControlClient {
  private ControlClient() {}

  /**
   * Sends a command and waits for the answer.
   *
   * @throws ControlException if no server answers there
   */
  public static Reply send(Path socket, List<String> words) {
    if (!Files.exists(socket)) {
      throw new ControlException("no server runs here: there is no control socket " + socket, null);
    }
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      ByteArrayOutputStream request = new ByteArrayOutputStream();
      for (String word : words) {
        request.write(word.getBytes(StandardCharsets.UTF_8));
        request.write(0);
      }
      ByteBuffer bytes = ByteBuffer.wrap(request.toByteArray());
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.shutdownOutput();
      byte[] answer = Channels.newInputStream(channel).readAllBytes();
      if (answer.length == 0) {
        throw new ControlException("the server at " + socket + " closed without an answer", null);
      }
      return new Reply(
          answer[0] - '0', new String(answer, 1, answer.length - 1, StandardCharsets.UTF_8));
    } catch (ConnectException e) {
      throw new ControlException(
          "no server runs here: nobody listens at the control socket " + socket, e);
    } catch (IOException | IllegalArgumentException e) {
      throw new ControlException(
          "the server at %s can't be reached: %s".formatted(socket, e.getMessage()), e);
    }
  }
}
