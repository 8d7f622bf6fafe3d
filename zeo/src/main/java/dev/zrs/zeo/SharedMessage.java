package dev.zrs.zeo;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A message for many clients, encoded at its first use, once for each encoding. For one thread at a
 * time.
 */
final class SharedMessage {
  private final Consumer<MessageWriter> content;
  private final Map<Encoding, byte[]> frames = new EnumMap<>(Encoding.class);

  /**
   * @param content writes the whole message
   */
  SharedMessage(Consumer<MessageWriter> content) {
    this.content = content;
  }

  /** The complete frame, which stays as it is. */
  byte[] frame(Encoding encoding) {
    return frames.computeIfAbsent(encoding, this::encode);
  }

  private byte[] encode(Encoding encoding) {
    MessageWriter out = encoding.newWriter();
    content.accept(out);
    return Outbox.frame(out);
  }
}
