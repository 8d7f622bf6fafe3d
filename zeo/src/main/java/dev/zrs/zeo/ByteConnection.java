package dev.zrs.zeo;

import java.io.Closeable;
import java.io.IOException;

/** A connection as a stream of bytes each way; one thread may read while another writes. */
interface ByteConnection extends Closeable {
  /**
   * Agrees with the peer on how bytes are sent, if there is something to agree on; before anything
   * else, on the thread that will read first.
   *
   * @throws ProtocolException if there is no agreement; the message says why
   */
  default void handshake() throws IOException {}

  /** What there is to say of a peer that has not said its protocol in time. Any thread. */
  default String silence() {
    return "no handshake in time";
  }

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
