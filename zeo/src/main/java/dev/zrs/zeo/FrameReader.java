package dev.zrs.zeo;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream into frames: a length of four bytes, big-endian, and so many bytes. One thread.
 *
 * <p>The buffer doubles when it is full, so it is at most twice what has arrived, whatever length a
 * frame announces.
 */
final class FrameReader {
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final int HEADER = Integer.BYTES;
  private static final int INITIAL = 8 << 10;

  /** How TLS begins: the length of a message of 350 MiB. */
  private static final int TLS = 0x1603;

  /** A larger buffer is let go when it is empty. */
  private static final int KEEP = 64 << 10;

  private final ByteConnection connection;
  private int maxFrame;
  private byte[] buffer = new byte[INITIAL];
  private int start;
  private int end;
  private int offset;
  private int length;
  private BufferMemory.@Nullable Share share;

  FrameReader(ByteConnection connection, int maxFrame) {
    this.connection = connection;
    this.maxFrame = maxFrame;
  }

  void setMaxFrame(int bytes) {
    maxFrame = bytes;
  }

  /** Has a buffer beyond {@link #KEEP} counted from now on. */
  void countIn(BufferMemory.Share counted) {
    share = counted;
  }

  /** Whether the next frame has arrived as a whole, so that {@link #next} will not wait. */
  boolean hasFrame() {
    int available = end - start;
    return available >= HEADER
        && Integer.toUnsignedLong((int) INT.get(buffer, start)) + HEADER <= available;
  }

  /**
   * Waits for the next frame; the previous one is no longer valid then.
   *
   * @return false at the end of the stream, also in the middle of a frame; or if all connections
   *     together hold too much, and this one has to end
   * @throws ProtocolException if the frame is too long
   */
  boolean next() throws IOException {
    if (start == end && buffer.length > KEEP) {
      if (!resize(INITIAL)) {
        return false;
      }
      start = 0;
      end = 0;
    }
    if (!fill(HEADER)) {
      return false;
    }
    long announced = Integer.toUnsignedLong((int) INT.get(buffer, start));
    if (announced > maxFrame) {
      throw new ProtocolException(
          announced >> Short.SIZE == TLS
              ? "what it sends is TLS, which is not configured here: a TLS client?"
              : "a message of %d bytes; at most %d are allowed".formatted(announced, maxFrame));
    }
    length = (int) announced;
    if (!fill(HEADER + length)) {
      return false;
    }
    offset = start + HEADER;
    start = offset + length;
    return true;
  }

  private boolean fill(int needed) throws IOException {
    while (end - start < needed) {
      if (start > 0 && start + needed > buffer.length) {
        System.arraycopy(buffer, start, buffer, 0, end - start);
        end -= start;
        start = 0;
      }
      if (end == buffer.length && !resize(buffer.length * 2)) {
        return false;
      }
      int count = connection.read(buffer, end, buffer.length - end);
      if (count < 0) {
        return false;
      }
      end += count;
    }
    return true;
  }

  private boolean resize(int bytes) {
    if (share != null && !share.input(bytes > KEEP ? bytes : 0)) {
      return false;
    }
    buffer = bytes < buffer.length ? new byte[bytes] : Arrays.copyOf(buffer, bytes);
    return true;
  }

  /** The array that holds the frame. */
  byte[] buffer() {
    return buffer;
  }

  /** Where the frame begins in it. */
  int offset() {
    return offset;
  }

  /** The length of the frame. */
  int length() {
    return length;
  }
}
