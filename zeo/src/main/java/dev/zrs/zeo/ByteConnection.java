package dev.zrs.zeo;

import java.io.Closeable;
import java.io.IOException;

/** A connection as a stream of bytes each way; one thread may read while another writes. */
interface ByteConnection extends Closeable {
  /**
   * Waits for input.
   *
   * @return how many bytes were read, at least one; -1 at the end
   */
  int read(byte[] buffer, int offset, int length) throws IOException;

  /** Hands over all these bytes; waits while the peer takes none. */
  void write(byte[] buffer, int offset, int length) throws IOException;

  /** The other side, for logs. */
  String peer();

  /** Ends it, and every read and write that is under way. Any thread, any number of times. */
  @Override
  void close();
}
