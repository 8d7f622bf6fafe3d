package dev.zrs.zeo;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Revision;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A client of a ZEO server of version 5 or 6, ours or Python's: one connection, blocking calls, no
 * cache, no resolution of conflicts. What the server sends without being asked, such as
 * invalidations, is passed over. It speaks the encoding Z5, which every server understands.
 *
 * <p>A call either returns, or throws {@link ZeoCallException} because the server answered with an
 * exception, or throws another {@link ZeoException} because the server does not answer in time, has
 * gone, or does not keep to the protocol; then the client is closed. The server is not trusted:
 * what it sends is read as data, and memory grows with what it has sent.
 *
 * <p>Not for use by several threads at once.
 */
public final class ZeoClient implements AutoCloseable {
  /** Transactions without records in a row; a server must not keep the client for ever. */
  static final int MAX_PASSED = 100;

  private static final double NANOS = 1e9;

  private final ClientChannel channel;
  private final Duration limit;
  private final PickleWriter out = PickleWriter.zeo();
  private final Deque<Oid> newOids = new ArrayDeque<>();
  private long lastId;

  private ZeoClient(ClientChannel channel, Duration limit) {
    this.channel = channel;
    this.limit = limit;
  }

  /**
   * Connects, and agrees on the protocol.
   *
   * @param address a host that is not resolved is looked up now, and all its addresses are tried
   * @param limit how long connecting, and then each single call, may take
   * @param limits for the size of a message
   * @throws ZeoConnectException if the server can't be reached
   * @throws ZeoException if it is no ZEO server, or one of another version
   */
  public static ZeoClient connect(SocketAddress address, Duration limit, ZeoLimits limits) {
    return connect(address, limit, limits, Optional.empty());
  }

  /**
   * As {@link #connect(SocketAddress, Duration, ZeoLimits)}.
   *
   * @param tls empty for a connection without TLS
   */
  public static ZeoClient connect(
      SocketAddress address, Duration limit, ZeoLimits limits, Optional<TlsContext> tls) {
    ClientChannel channel = ClientChannel.open(address, limit, tls);
    String protocol = Encoding.PICKLE.protocol();
    // A server may offer another encoding; the client's answer decides.
    if (!channel.greeting().substring(1).equals(protocol.substring(1))) {
      throw channel.broken(
          "it speaks the protocol '%s', not '%s'".formatted(channel.greeting(), protocol));
    }
    byte[] answer = protocol.getBytes(StandardCharsets.US_ASCII);
    channel.send(answer, answer.length);
    channel.setMaxFrame(limits.maxFrameBytes());
    return new ZeoClient(channel, limit);
  }

  /**
   * Chooses the storage; the first call, and the only one of its kind that may succeed.
   *
   * @return the storage's last tid
   * @throws ZeoCallException {@code builtins.ValueError} if there is no such storage, {@code
   *     ZODB.POSException.ReadOnlyError} if it can't be written to
   */
  public Tid register(String storage, boolean readOnly) {
    return tid("register", call("register", storage, readOnly));
  }

  /** The tid of the storage's last transaction; {@link Tid#NONE} if it is empty. */
  public Tid lastTransaction() {
    return tid("lastTransaction", call("lastTransaction"));
  }

  /**
   * The current revision of an object.
   *
   * @throws ZeoNoObjectException if there is no such object
   */
  public Revision load(Oid oid) {
    return loadBefore(oid, Tid.MAX)
        .orElseThrow(() -> channel.broken("loadBefore: no current revision"));
  }

  /**
   * The revision of an object that was current before a transaction.
   *
   * @return empty if the object did not exist then
   * @throws ZeoNoObjectException if there is no such object at all
   */
  public Optional<Revision> loadBefore(Oid oid, Tid before) {
    Object reply = call("loadBefore", oid, before);
    return Py.isNone(reply)
        ? Optional.empty()
        : Optional.of(parse("loadBefore", reply, ZeoClient::revision));
  }

  private static Revision revision(Object reply) {
    PyTuple parts = Py.asTuple(reply, 3);
    Object end = parts.get(2);
    return new Revision(
        Py.asBytes(parts.get(0)),
        Tid.of(Py.asBytes(parts.get(1))),
        Py.isNone(end) ? null : Tid.of(Py.asBytes(end)));
  }

  /**
   * The data of the revision that a transaction wrote.
   *
   * @throws ZeoNoObjectException if there is no such revision
   */
  public byte[] loadSerial(Oid oid, Tid serial) {
    return parse("loadSerial", call("loadSerial", oid, serial), Py::asBytes);
  }

  /**
   * Copies the content of a blob.
   *
   * @param serial of the revision
   * @throws ZeoNoObjectException if there is no such blob
   * @throws IOException if it can't be written; the client is closed then, as the rest of the blob
   *     is on its way
   */
  public void loadBlob(Oid oid, Tid serial, OutputStream to) throws IOException {
    try {
      call(
          limit,
          message -> {
            if (message.name().equals("receiveBlobChunk")) {
              write(Py.asBytes(Py.asTuple(message.arguments(), 3).get(2)), to);
              // As long as something comes, the server is alive.
              channel.begin(limit);
            }
          },
          "sendBlob",
          oid,
          serial);
    } catch (UncheckedIOException e) {
      close();
      throw e.getCause();
    }
  }

  private static void write(byte[] chunk, OutputStream to) {
    try {
      to.write(chunk);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An oid that nobody else has. */
  public Oid newOid() {
    if (newOids.isEmpty()) {
      newOids.addAll(
          parse(
              "new_oids",
              call("new_oids"),
              reply ->
                  Py.asSequence(reply).stream().map(each -> Oid.of(Py.asBytes(each))).toList()));
    }
    Oid oid = newOids.poll();
    if (oid == null) {
      throw channel.broken("new_oids: there are none");
    }
    return oid;
  }

  /**
   * Begins a transaction.
   *
   * @param user who makes it
   * @param description what it does
   * @throws ZeoCallException at the vote, if this client may only read
   */
  public ZeoTransaction begin(String user, String description) {
    long id = ++lastId;
    cast(
        "tpc_begin",
        id,
        user.getBytes(StandardCharsets.UTF_8),
        description.getBytes(StandardCharsets.UTF_8),
        new PyDict(),
        PyNone.NONE,
        " ");
    return new ZeoTransaction(this, id);
  }

  /** The transactions between two tids, both included. */
  public ZeoTransactions transactions(Tid first, Tid last) {
    return new ZeoTransactions(this, number("iterator_start", first, last));
  }

  /**
   * A transaction that may be undone.
   *
   * @param tid what to give to {@link ZeoTransaction#undo}
   * @param user as its client gave it, UTF-8 by custom
   * @param description as its client gave it, UTF-8 by custom
   */
  public record Undoable(Tid tid, String user, String description) {}

  /**
   * The last transactions that may be undone, the newest first.
   *
   * @param skip how many to leave out
   * @param count how many are wanted at most
   */
  public List<Undoable> undoable(int skip, int count) {
    return parse(
        "undoInfo",
        call("undoInfo", skip, skip + count, PyNone.NONE),
        reply -> Py.asSequence(reply).stream().map(ZeoClient::undoable).toList());
  }

  private static Undoable undoable(Object entry) {
    PyDict fields = Py.asDict(entry);
    return new Undoable(
        Tid.of(Base64.getMimeDecoder().decode(Py.asBytes(field(fields, "id")))),
        new String(Py.asBytes(field(fields, "user_name")), StandardCharsets.UTF_8),
        new String(Py.asBytes(field(fields, "description")), StandardCharsets.UTF_8));
  }

  private static Object field(PyDict fields, String name) {
    Object value = fields.get(name);
    return value == null ? PyNone.NONE : value;
  }

  /**
   * Removes what nobody needs after a time, and waits until that is done. A client that may only
   * read can do it too.
   *
   * @param limit how long it may take; packs of large files take hours
   * @throws ZeoCallException if the server refuses
   */
  public void pack(Instant time, Duration limit) {
    double seconds = time.getEpochSecond() + time.getNano() / NANOS;
    call(limit, ZeoClient::ignore, "pack", seconds, true);
  }

  /** The server's numbers about this storage: connections, commits, waiting transactions... */
  public PyDict status() {
    return parse("server_status", call("server_status"), Py::asDict);
  }

  /** What the storage is: its name, its size, the number of its objects, and what it can do. */
  public PyDict info() {
    return parse("get_info", call("get_info"), Py::asDict);
  }

  /**
   * The tid of the storage's first transaction that is not before {@code start} and has records. A
   * transaction without any changed nothing, or a pack has removed what it changed. If there are
   * very many of them in a row, one of them is the answer after all.
   */
  public Optional<Tid> firstTransaction(Tid start) {
    long transactions = number("iterator_start", start, PyNone.NONE);
    for (int passed = 0; ; passed++) {
      Object transaction = call("iterator_next", transactions);
      if (Py.isNone(transaction)) {
        // The server forgets an iterator that has come to its end.
        return Optional.empty();
      }
      Tid tid = tid("iterator_next", first(transaction));
      long records = number("iterator_record_start", transactions, tid);
      if (passed == MAX_PASSED || !Py.isNone(call("iterator_record_next", records))) {
        cast("iterator_gc", PyTuple.of(transactions, records));
        return Optional.of(tid);
      }
    }
  }

  /** Calls a method that replies with a number; what is sent back must be cheap to write. */
  long number(String method, Object... arguments) {
    Object value = call(method, arguments);
    if (value instanceof Long number) {
      return number;
    }
    throw channel.broken("%s: not a number but %s".formatted(method, Py.describe(value)));
  }

  private static Object first(Object value) {
    return value instanceof PyTuple tuple && tuple.size() > 0 ? tuple.get(0) : value;
  }

  /**
   * Calls any method.
   *
   * @param arguments values as the pickle module has them; also Oid, Tid and Integer
   * @return the reply, as the pickle module represents it
   */
  public Object call(String method, Object... arguments) {
    return call(limit, ZeoClient::ignore, method, arguments);
  }

  private static void ignore(ServerMessage message) {}

  private Object call(
      Duration within, Consumer<ServerMessage> others, String method, Object... arguments) {
    long id = ++lastId;
    channel.begin(within);
    send(id, false, method, arguments);
    while (true) {
      FrameReader frame = channel.receive();
      try {
        ServerMessage message =
            ServerMessage.decode(frame.buffer(), frame.offset(), frame.length());
        if (!message.isReply()) {
          others.accept(message);
          continue;
        }
        if (!message.id().equals(id)) {
          throw channel.broken("%s: a reply to another message".formatted(method));
        }
        if (message.isError()) {
          throw ZeoCallException.of(method, message.error(), message.errorArguments());
        }
        return message.arguments();
      } catch (PickleException e) {
        throw channel.broken("%s: %s".formatted(method, e.getMessage()));
      }
    }
  }

  /** Takes a reply apart; if that fails, the server does not keep to the protocol. */
  <T> T parse(String method, Object reply, Function<Object, T> parser) {
    try {
      return parser.apply(reply);
    } catch (PickleException | IllegalArgumentException e) {
      throw channel.broken("%s: %s".formatted(method, e.getMessage()));
    }
  }

  /** Calls a method that has no reply. */
  void cast(String method, Object... arguments) {
    channel.begin(limit);
    send(0, true, method, arguments);
  }

  private void send(long id, boolean async, String method, Object... arguments) {
    out.reset();
    Messages.call(out, id, async, method, arguments);
    channel.send(out.buffer(), out.size());
  }

  Tid tid(String method, Object value) {
    if (value instanceof byte[] bytes && bytes.length == Tid.BYTES) {
      return Tid.of(bytes);
    }
    throw channel.broken("%s: not a tid but %s".formatted(method, Py.describe(value)));
  }

  boolean isClosed() {
    return channel.isClosed();
  }

  /** Ends the connection; any number of times. */
  @Override
  public void close() {
    channel.close();
  }
}
