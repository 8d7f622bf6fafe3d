package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Speaks the protocol message by message. One thread. */
final class RawClient implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final ClientConnection connection;
  private final Encoding encoding;
  private final FrameReader in;
  private final List<ServerMessage> others = new ArrayList<>();
  private Consumer<ServerMessage> listener = others::add;
  private long ids;

  RawClient(int port) throws IOException {
    this(port, Encoding.PICKLE);
  }

  private RawClient(int port, Encoding encoding) throws IOException {
    this.encoding = encoding;
    connection =
        ClientConnection.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), LIMIT);
    in = new FrameReader(connection, ZeoLimits.DEFAULT.maxFrameBytes());
  }

  /** With the handshake done. */
  static RawClient connect(int port) throws IOException {
    return connect(port, Encoding.PICKLE);
  }

  private static RawClient connect(int port, Encoding encoding) throws IOException {
    RawClient client = new RawClient(port, encoding);
    String greeting = new String(client.frame(), StandardCharsets.US_ASCII);
    if (!greeting.equals(encoding.protocol())) {
      throw new AssertionError("the greeting is " + greeting);
    }
    client.frame(encoding.greeting());
    return client;
  }

  /** With a storage. */
  static RawClient register(int port) throws IOException {
    return register(port, Encoding.PICKLE);
  }

  /** With a storage, in the encoding that the server offers. */
  static RawClient register(int port, Encoding encoding) throws IOException {
    RawClient client = connect(port, encoding);
    client.require("register", "1", false);
    return client;
  }

  /** Has all messages that are no replies passed on. */
  void listen(Consumer<ServerMessage> to) {
    listener = to;
  }

  /** The messages that were no replies. */
  List<ServerMessage> others() {
    return others;
  }

  void frame(byte[] content) throws IOException {
    bytes(ByteBuffer.allocate(content.length + 4).putInt(content.length).put(content).array());
  }

  void bytes(byte[] content) throws IOException {
    connection.begin(LIMIT);
    connection.write(content, 0, content.length);
  }

  byte[] frame() throws IOException {
    next();
    return Arrays.copyOfRange(in.buffer(), in.offset(), in.offset() + in.length());
  }

  private void next() throws IOException {
    connection.begin(LIMIT);
    if (!in.next()) {
      throw new EOFException("the server has closed the connection");
    }
  }

  /** Whether the server has closed the connection; waits for that or a message. */
  boolean isClosed() {
    try {
      connection.begin(LIMIT);
      return !in.next();
    } catch (IOException e) {
      return true;
    }
  }

  long send(String method, Object... arguments) throws IOException {
    send(++ids, false, method, arguments);
    return ids;
  }

  void cast(String method, Object... arguments) throws IOException {
    send(0, true, method, arguments);
  }

  private void send(long id, boolean async, String method, Object... arguments) throws IOException {
    byte[] pickle = encode(id, async, method, arguments);
    if (encoding == Encoding.PICKLE) {
      frame(pickle);
      return;
    }
    MessageWriter out = encoding.newWriter();
    out.begin().value(Encoding.PICKLE.decode(pickle, 0, pickle.length)).end();
    frame(Arrays.copyOf(out.buffer(), out.size()));
  }

  static byte[] encode(Object id, boolean async, String method, Object... arguments) {
    PickleWriter out = PickleWriter.zeo();
    Messages.call(out, id, async, method, arguments);
    return out.toByteArray();
  }

  void sendLoad(Oid oid, Tid before) throws IOException {
    frame(LoadRequest.PICKLED.of(oid.value(), before.value()));
  }

  ServerMessage receive() throws IOException {
    next();
    PyTuple parts = Py.asTuple(encoding.decode(in.buffer(), in.offset(), in.length()), 4);
    return new ServerMessage(
        parts.get(0), Py.asInt(parts.get(1)), Py.asText(parts.get(2)), parts.get(3));
  }

  /** Calls and waits for the reply. */
  ServerMessage call(String method, Object... arguments) throws IOException {
    return await(send(method, arguments));
  }

  ServerMessage await(Object id) throws IOException {
    while (true) {
      ServerMessage message = receive();
      if (!message.isReply()) {
        listener.accept(message);
      } else if (message.id().equals(id)) {
        return message;
      }
    }
  }

  /** The value of a call that must succeed. */
  Object require(String method, Object... arguments) throws IOException {
    ServerMessage reply = call(method, arguments);
    if (reply.isError()) {
      throw new AssertionError(method + ": " + reply.error());
    }
    return reply.arguments();
  }

  /** Begins a transaction and stores one object. */
  void begin(long id, Oid oid, Tid serial, byte[] data) throws IOException {
    cast("tpc_begin", id, "", "", new PyDict(), PyNone.NONE, " ");
    cast("storea", oid, serial, data, id);
  }

  /** Commits one object. */
  Tid commit(long id, Oid oid, Tid serial, byte[] data) throws IOException {
    begin(id, oid, serial, data);
    require("vote", id);
    return Tid.of(Py.asBytes(require("tpc_finish", id)));
  }

  @Override
  public void close() {
    connection.close();
  }
}
