package dev.zrs.zeo;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Tid;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/**
 * A client of a ZEO server of version 5 or 6, ours or Python's: one connection, blocking calls, no
 * cache. What the server sends without being asked, such as invalidations, is passed over.
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

  private final ClientChannel channel;
  private final PickleWriter out = PickleWriter.zeo();
  private long lastId;

  private ZeoClient(ClientChannel channel) {
    this.channel = channel;
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
    return new ZeoClient(channel);
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
  private long number(String method, Object... arguments) {
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
    long id = ++lastId;
    channel.begin();
    send(id, false, method, arguments);
    while (true) {
      FrameReader frame = channel.receive();
      try {
        ServerMessage message =
            ServerMessage.decode(frame.buffer(), frame.offset(), frame.length());
        if (!message.isReply()) {
          continue;
        }
        if (!message.id().equals(id)) {
          throw channel.broken("%s: a reply to another message".formatted(method));
        }
        if (message.isError()) {
          throw new ZeoCallException(method, message.error(), message.errorArguments());
        }
        return message.arguments();
      } catch (PickleException e) {
        throw channel.broken("%s: %s".formatted(method, e.getMessage()));
      }
    }
  }

  /** Calls a method that has no reply. */
  private void cast(String method, Object... arguments) {
    channel.begin();
    send(0, true, method, arguments);
  }

  private void send(long id, boolean async, String method, Object... arguments) {
    out.reset();
    Messages.call(out, id, async, method, arguments);
    channel.send(out.buffer(), out.size());
  }

  private Tid tid(String method, Object value) {
    if (value instanceof byte[] bytes && bytes.length == Tid.BYTES) {
      return Tid.of(bytes);
    }
    throw channel.broken("%s: not a tid but %s".formatted(method, Py.describe(value)));
  }

  /** Ends the connection; any number of times. */
  @Override
  public void close() {
    channel.close();
  }
}
