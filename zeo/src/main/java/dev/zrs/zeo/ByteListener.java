package dev.zrs.zeo;

import java.io.Closeable;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;

/** Where connections come in. */
interface ByteListener extends Closeable {
  /** How many connections may wait to be accepted. */
  int BACKLOG = 512;

  /** Waits for the next connection; an IOException once the listener is closed. */
  ByteConnection accept() throws IOException;

  /** The address, with the port that was chosen. */
  SocketAddress address();

  /** Ends it, and an accept that is under way. Any thread, any number of times. */
  @Override
  void close();

  /**
   * Listens on a TCP or unix socket address.
   *
   * @throws ZeoException if that is not possible; the message names the address
   */
  static ByteListener open(SocketAddress address) {
    try {
      return address instanceof UnixDomainSocketAddress unix
          ? new UnixListener(unix)
          : new TcpListener(address);
    } catch (IOException e) {
      throw new ZeoException(
          "can't listen on %s: %s".formatted(Addresses.text(address), e.getMessage()), e);
    }
  }
}
