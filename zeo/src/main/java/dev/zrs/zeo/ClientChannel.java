package dev.zrs.zeo;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Frames to and from a server, after its greeting. What goes wrong is one {@link ZeoException} that
 * names the server, and leaves the channel closed, as nobody knows any more what comes next. For
 * one thread.
 */
final class ClientChannel implements Closeable {
  private static final Pattern GREETING = Pattern.compile("[A-Z][0-9]{1,6}");
  private static final int MAX_SHOWN = 20;

  private final ClientConnection connection;
  private final ByteConnection stream;
  private final FrameReader reader;
  private final String peer;
  private final Duration limit;
  private final String greeting;

  private ClientChannel(
      ClientConnection connection, ByteConnection stream, String peer, Duration limit) {
    this.connection = connection;
    this.stream = stream;
    this.peer = peer;
    this.limit = limit;
    reader = new FrameReader(stream, ZeoConnection.MAX_HANDSHAKE);
    begin();
    try {
      stream.handshake();
    } catch (IOException e) {
      throw lost(e);
    } catch (ProtocolException e) {
      throw broken(String.valueOf(e.getMessage()));
    }
    FrameReader frame = receive();
    greeting =
        new String(frame.buffer(), frame.offset(), frame.length(), StandardCharsets.ISO_8859_1);
    if (!GREETING.matcher(greeting).matches()) {
      throw broken("it is no ZEO server, its greeting is '%s'".formatted(printable(greeting)));
    }
  }

  /**
   * Connects and waits for the server's greeting.
   *
   * @param limit for the connection, and then for each step
   * @param tls if the connection is to use it
   * @throws ZeoConnectException if there is no connection
   * @throws ZeoException if the other side does not greet as a ZEO server does
   */
  static ClientChannel open(SocketAddress address, Duration limit, Optional<TlsContext> tls) {
    String peer = Addresses.text(address);
    ClientConnection connection = connect(address, peer, limit);
    String host = address instanceof InetSocketAddress inet ? inet.getHostString() : null;
    ByteConnection stream = tls.map(context -> context.client(connection, host)).orElse(connection);
    return new ClientChannel(connection, stream, peer, limit);
  }

  private static ClientConnection connect(SocketAddress address, String peer, Duration limit) {
    try {
      return ClientConnection.open(address, limit);
    } catch (IOException e) {
      throw new ZeoConnectException(peer, e);
    }
  }

  private static String printable(String text) {
    String shown = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text;
    return shown.replaceAll("[^ -~]", "?");
  }

  /** What the server said first: the letter of an encoding, and a version. */
  String greeting() {
    return greeting;
  }

  void setMaxFrame(int bytes) {
    reader.setMaxFrame(bytes);
  }

  /** Begins a step, for which there is the limit again. */
  void begin() {
    begin(limit);
  }

  /** Begins a step, which may take so long. */
  void begin(Duration within) {
    connection.begin(within);
  }

  boolean isClosed() {
    return !connection.isOpen();
  }

  /** Sends a frame. */
  void send(byte[] content, int length) {
    byte[] frame = new byte[Integer.BYTES + length];
    ByteBuffer.wrap(frame).putInt(length).put(content, 0, length);
    try {
      stream.write(frame, 0, frame.length);
    } catch (IOException e) {
      throw lost(e);
    }
  }

  /** Waits for a frame, which is in the reader until the next call. */
  FrameReader receive() {
    try {
      if (reader.next()) {
        return reader;
      }
    } catch (IOException e) {
      throw lost(e);
    } catch (ProtocolException e) {
      throw broken(String.valueOf(e.getMessage()));
    }
    throw broken("it closed the connection");
  }

  /** The peer does not keep to the protocol. */
  ZeoException broken(String problem) {
    close();
    return new ZeoException("the server at %s: %s".formatted(peer, problem));
  }

  private ZeoException lost(IOException e) {
    close();
    String reason =
        e instanceof ClosedChannelException
            ? "the connection is closed"
            : e.getMessage() == null ? e.toString() : e.getMessage();
    return new ZeoException("the server at %s: %s".formatted(peer, reason), e);
  }

  @Override
  public void close() {
    stream.close();
  }
}
