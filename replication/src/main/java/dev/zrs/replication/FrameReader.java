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
  /** For a stream of transactions. */
  private static final int BUFFER_SIZE = 256 << 10;

  private static final int LENGTH_BYTES = 4;

  /** Is told when a read waits for the network. */
  interface Waiting {
    /** Everything that has arrived is used up, and the next read waits for the peer. */
    void begins() throws IOException;

    /** Something has arrived, or the connection has ended. */
    void ends();
  }

  /** Nobody is interested. */
  static final Waiting UNWATCHED =
      new Waiting() {
        @Override
        public void begins() {
          // Nothing to do.
        }

        @Override
        public void ends() {
          // Nothing to do.
        }
      };

  private final InputStream input;
  private final Waiting waiting;
  private final byte[] buffer;
  private int start;
  private int end;
  private long received;
  private boolean withinFrame;

  /**
   * @param waiting told of each read that has to wait
   */
  FrameReader(InputStream input, Waiting waiting) {
    this(input, waiting, BUFFER_SIZE);
  }

  /**
   * As the other one.
   *
   * @param bufferSize bytes; what is read at once, so far as it fits
   */
  FrameReader(InputStream input, Waiting waiting, int bufferSize) {
    this.input = input;
    this.waiting = waiting;
    this.buffer = new byte[bufferSize];
  }

  /** Whether a frame has arrived in part. */
  boolean isWithinFrame() {
    return withinFrame || start < end;
  }

  /** Bytes read so far. */
  long received() {
    return received;
  }

  /**
   * The next frame.
   *
   * @param maxLength bytes; a longer frame is refused before any of it is read
   * @throws EOFException if the connection ended; its message says whether within a frame
   * @throws ReplicationException if the frame is too long
   */
  byte[] next(int maxLength) throws IOException {
    return next(new FrameLimit(maxLength, ""));
  }

  /** As the other one. */
  byte[] next(FrameLimit limit) throws IOException {
    if (!fill(LENGTH_BYTES)) {
      throw new EOFException(
          start == end ? "the connection was closed" : "the connection broke within a frame");
    }
    int length = ByteBuffer.wrap(buffer, start, LENGTH_BYTES).getInt();
    start += LENGTH_BYTES;
    if (length < 0 || length > limit.bytes()) {
      throw new ReplicationException(
          "message too large: %d bytes, at most %d are allowed%s"
              .formatted(Integer.toUnsignedLong(length), limit.bytes(), limit.what()));
    }
    withinFrame = true;
    byte[] frame = length <= buffer.length ? small(length) : large(length);
    withinFrame = false;
    return frame;
  }

  private byte[] small(int length) throws IOException {
    if (!fill(length)) {
      throw new EOFException("the connection broke within a frame");
    }
    byte[] frame = Arrays.copyOfRange(buffer, start, start + length);
    start += length;
    return frame;
  }

  private byte[] large(int length) throws IOException {
    byte[] frame = Arrays.copyOfRange(buffer, start, end);
    int have = frame.length;
    start = end;
    while (have < length) {
      if (have == frame.length) {
        frame = grown(frame, (int) Math.min(length, Math.max(2L * have, BUFFER_SIZE)));
      }
      int count = read(frame, have, frame.length - have);
      if (count < 0) {
        throw new EOFException("the connection broke within a frame");
      }
      have += count;
    }
    return frame;
  }

  private static byte[] grown(byte[] frame, int length) {
    try {
      return Arrays.copyOf(frame, length);
    } catch (OutOfMemoryError e) {
      // Only this one array did not fit; all else goes on as before.
      throw new ReplicationException(
          "there is no memory for a frame of more than %d bytes".formatted(frame.length), e);
    }
  }

  private int read(byte[] target, int offset, int length) throws IOException {
    boolean waits = input.available() == 0;
    if (waits) {
      waiting.begins();
    }
    try {
      int count = input.read(target, offset, length);
      received += Math.max(count, 0);
      return count;
    } finally {
      if (waits) {
        waiting.ends();
      }
    }
  }

  private boolean fill(int count) throws IOException {
    if (end - start >= count) {
      return true;
    }
    System.arraycopy(buffer, start, buffer, 0, end - start);
    end -= start;
    start = 0;
    while (end < count) {
      int got = read(buffer, end, buffer.length - end);
      if (got < 0) {
        return false;
      }
      end += got;
    }
    return true;
  }
}
