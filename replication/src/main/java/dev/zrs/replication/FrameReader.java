package dev.zrs.replication;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Reads frames: a length of 4 bytes, big-endian, then so many bytes. Memory grows with what has
 * arrived, never with the announced length. For one thread.
 */
final class FrameReader {
  private static final int BUFFER_SIZE = 256 << 10;
  private static final int LENGTH_BYTES = 4;

  private final InputStream input;
  private final int maxLength;
  private final byte[] buffer = new byte[BUFFER_SIZE];
  private int start;
  private int end;
  private long received;

  /**
   * @param maxLength bytes; a longer frame is refused
   */
  FrameReader(InputStream input, int maxLength) {
    this.input = input;
    this.maxLength = maxLength;
  }

  /** Whether more bytes have arrived already, so that the next read will hardly wait. */
  boolean hasMore() throws IOException {
    return start < end || input.available() > 0;
  }

  /** Bytes read so far. */
  long received() {
    return received;
  }

  /**
   * The next frame.
   *
   * @throws EOFException if the connection ended; its message says whether within a frame
   * @throws ReplicationException if the frame is too long
   */
  byte[] next() throws IOException {
    if (!fill(LENGTH_BYTES)) {
      throw new EOFException(
          start == end ? "the connection was closed" : "the connection broke within a frame");
    }
    int length = ByteBuffer.wrap(buffer, start, LENGTH_BYTES).getInt();
    start += LENGTH_BYTES;
    if (length < 0 || length > maxLength) {
      throw new ReplicationException(
          "message too large: %d bytes, at most %d are allowed"
              .formatted(Integer.toUnsignedLong(length), maxLength));
    }
    if (length <= BUFFER_SIZE) {
      if (!fill(length)) {
        throw new EOFException("the connection broke within a frame");
      }
      byte[] frame = Arrays.copyOfRange(buffer, start, start + length);
      start += length;
      return frame;
    }
    return large(length);
  }

  private byte[] large(int length) throws IOException {
    byte[] frame = Arrays.copyOfRange(buffer, start, end);
    int have = frame.length;
    start = end;
    while (have < length) {
      if (have == frame.length) {
        frame = Arrays.copyOf(frame, (int) Math.min(length, Math.max(2L * have, BUFFER_SIZE)));
      }
      int count = input.read(frame, have, frame.length - have);
      if (count < 0) {
        throw new EOFException("the connection broke within a frame");
      }
      have += count;
      received += count;
    }
    return frame;
  }

  private boolean fill(int count) throws IOException {
    if (end - start >= count) {
      return true;
    }
    System.arraycopy(buffer, start, buffer, 0, end - start);
    end -= start;
    start = 0;
    while (end < count) {
      int got = input.read(buffer, end, BUFFER_SIZE - end);
      if (got < 0) {
        return false;
      }
      end += got;
      received += got;
    }
    return true;
  }
}
