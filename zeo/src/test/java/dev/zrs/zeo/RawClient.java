package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.Unpickler;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Speaks the protocol message by message. One thread. */
final class RawClient implements AutoCloseable {
  /** What came from the server. */
  record Message(Object id, int flag, String name, Object arguments) {
    boolean isReply() {
      return name.equals(".reply");
    }

    boolean isError() {
      return flag == 2;
    }

    /** The class of an error. */
    String error() {
      return Py.asText(Py.asTuple(arguments, 2).get(0));
    }

    /** What an error says. */
    Object errorArguments() {
      return Py.asTuple(arguments, 2).get(1);
    }
  }

  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;
  private final List<Message> others = new ArrayList<>();
  private Consumer<Message> listener = others::add;
  private long ids;

  RawClient(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(20_000);
    socket.setTcpNoDelay(true);
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
    out = new DataOutputStream(socket.getOutputStream());
  }

  /** With the handshake done. */
  static RawClient connect(int port) throws IOException {
    RawClient client = new RawClient(port);
    if (!new String(client.frame(), StandardCharsets.US_ASCII).equals("Z5")) {
      throw new AssertionError("the greeting");
    }
    client.frame("Z5".getBytes(StandardCharsets.US_ASCII));
    return client;
  }

  /** With a storage. */
  static RawClient register(int port) throws IOException {
    RawClient client = connect(port);
    client.require("register", "1", false);
    return client;
  }

  /** Has all messages that are no replies passed on. */
  void listen(Consumer<Message> to) {
    listener = to;
  }

  /** The messages that were no replies. */
  List<Message> others() {
    return others;
  }

  void frame(byte[] content) throws IOException {
    byte[] frame = new byte[content.length + 4];
    java.nio.ByteBuffer.wrap(frame).putInt(content.length).put(content);
    out.write(frame);
  }

  void bytes(byte[] content) throws IOException {
    out.write(content);
  }

  byte[] frame() throws IOException {
    return in.readNBytes(in.readInt());
  }

  /** Whether the server has closed the connection; waits for that or a message. */
  boolean isClosed() {
    try {
      return in.read() < 0;
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
    frame(encode(id, async, method, arguments));
  }

  static byte[] encode(Object id, boolean async, String method, Object... arguments) {
    Object[] plain = arguments.clone();
    for (int i = 0; i < plain.length; i++) {
      plain[i] =
          switch (plain[i]) {
            case Oid oid -> oid.toBytes();
            case Tid tid -> tid.toBytes();
            case Integer number -> (long) number;
            case Object other -> other;
          };
    }
    return PickleWriter.zeo().write(PyTuple.of(id, async, method, PyTuple.of(plain))).toByteArray();
  }

  void sendLoad(Oid oid, Tid before) throws IOException {
    PickleWriter request = PickleWriter.zeo();
    LoadRequest.write(request, oid.value(), before.value());
    frame(request.toByteArray());
  }

  Message receive() throws IOException {
    PyTuple parts = Py.asTuple(Unpickler.load(frame()), 4);
    return new Message(parts.get(0), Py.asInt(parts.get(1)), Py.asText(parts.get(2)), parts.get(3));
  }

  /** Calls and waits for the reply. */
  Message call(String method, Object... arguments) throws IOException {
    return await(send(method, arguments));
  }

  Message await(Object id) throws IOException {
    while (true) {
      Message message = receive();
      if (!message.isReply()) {
        listener.accept(message);
      } else if (message.id().equals(id)) {
        return message;
      }
    }
  }

  /** The value of a call that must succeed. */
  Object require(String method, Object... arguments) throws IOException {
    Message reply = call(method, arguments);
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
  public void close() throws IOException {
    socket.close();
  }
}
