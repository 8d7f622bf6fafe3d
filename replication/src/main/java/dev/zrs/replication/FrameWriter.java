package dev.zrs.replication;

import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;

/** Writes frames into a buffer, and their bodies into a checksum. For one thread. */
final class FrameWriter {
  /** Each secondary costs one. */
  private static final int BUFFER_SIZE = 64 << 10;

  private final OutputStream output;
  private final MessageDigest checksum;
  private final byte[] buffer = new byte[BUFFER_SIZE];
  private int used;

  /**
   * @param checksum updated with the body of each frame
   */
  FrameWriter(OutputStream output, MessageDigest checksum) {
    this.output = output;
    this.checksum = checksum;
  }

  void write(byte[] body) throws IOException {
    write(body, 0, body.length);
  }

  void write(byte[] source, int offset, int length) throws IOException {
    begin(length);
    append(source, offset, length);
  }

  /** Begins a frame, of which exactly so many bytes are to be appended. */
  void begin(int length) throws IOException {
    if (BUFFER_SIZE - used < 4) {
      flush();
    }
    buffer[used++] = (byte) (length >>> 24);
    buffer[used++] = (byte) (length >>> 16);
    buffer[used++] = (byte) (length >>> 8);
    buffer[used++] = (byte) length;
  }

  void append(byte[] source, int offset, int length) throws IOException {
    checksum.update(source, offset, length);
    if (length <= BUFFER_SIZE - used) {
      System.arraycopy(source, offset, buffer, used, length);
      used += length;
    } else {
      flush();
      output.write(source, offset, length);
    }
  }

  void flush() throws IOException {
    if (used > 0) {
      output.write(buffer, 0, used);
      used = 0;
    }
    output.flush();
  }
}
