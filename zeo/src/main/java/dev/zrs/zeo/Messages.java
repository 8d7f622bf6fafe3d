package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Revision;
import dev.zrs.storage.Tid;
import java.util.Collection;
import java.util.function.Consumer;

/**
 * Messages, pickled as ZEO does: tuples of message id, a flag, a name and arguments. The flag is 0
 * for a reply, 2 for an error, True for a message that gets no reply, False for one that gets one.
 */
final class Messages {
  /** The name of what answers a message, also with an error. */
  static final String REPLY = ".reply";

  /** The flag of an error. */
  static final int ERROR_FLAG = 2;

  private Messages() {}

  /**
   * A client's message.
   *
   * @param async whether the client expects no reply
   * @param arguments values of a pickle; also {@link Oid}, {@link Tid} and Integer
   */
  static void call(PickleWriter out, Object id, boolean async, String method, Object... arguments) {
    Object[] plain = arguments.clone();
    for (int i = 0; i < plain.length; i++) {
      plain[i] =
          switch (plain[i]) {
            case Oid oid -> oid.toBytes();
            case Tid tid -> tid.toBytes();
            case Integer number -> number.longValue();
            case Object other -> other;
          };
    }
    out.write(PyTuple.of(id, async, method, PyTuple.of(plain)));
  }

  /** A reply with any value of a pickle. */
  static void reply(PickleWriter out, Object id, Object result) {
    out.start().mark().value(id).integer(0).text(REPLY).value(result).tuple().stop();
  }

  /** What goes before the value of a reply. */
  static PickleWriter beginReply(PickleWriter out, Object id) {
    return out.start().mark().value(id).integer(0).text(REPLY);
  }

  /** What goes after it. */
  static void endReply(PickleWriter out) {
    out.tuple().stop();
  }

  /** An error, from which the client makes an exception. */
  static void error(PickleWriter out, Object id, RemoteError error) {
    error(out, to -> to.value(id), error);
  }

  /** The same with an id that the caller writes. */
  static void error(PickleWriter out, Consumer<PickleWriter> id, RemoteError error) {
    out.start().mark();
    id.accept(out);
    out.integer(ERROR_FLAG).text(REPLY);
    out.text(error.className()).value(error.arguments()).tuple2().tuple().stop();
  }

  /** The value of loadBefore's reply: data, serial and the end of its time, or None. */
  static void revision(PickleWriter out, Revision revision, Tid asOf) {
    out.bytes(revision.data()).bytes8(revision.serial().value());
    Tid end = revision.end();
    if (end == null || end.compareTo(asOf) > 0) {
      out.none();
    } else {
      out.bytes8(end.value());
    }
    out.tuple3();
  }

  static void invalidateTransaction(PickleWriter out, Tid tid, Collection<Oid> oids) {
    beginCall(out, "invalidateTransaction").bytes8(tid.value());
    oids(out, oids);
    out.tuple2();
    endCall(out);
  }

  /** A list of oids. */
  static void oids(PickleWriter out, Collection<Oid> oids) {
    out.emptyList();
    if (oids.isEmpty()) {
      return;
    }
    out.mark();
    for (Oid oid : oids) {
      out.bytes8(oid.value());
    }
    out.appends();
  }

  static void info(PickleWriter out, long length, long size) {
    beginCall(out, "info").emptyDict().mark();
    out.text("length").integer(length).text("size").integer(size).setItems().tuple1();
    endCall(out);
  }

  static void receiveBlobStart(PickleWriter out, Oid oid, Tid serial) {
    beginCall(out, "receiveBlobStart").bytes8(oid.value()).bytes8(serial.value()).tuple2();
    endCall(out);
  }

  static void receiveBlobChunk(PickleWriter out, Oid oid, Tid serial, byte[] chunk, int length) {
    beginCall(out, "receiveBlobChunk").bytes8(oid.value()).bytes8(serial.value());
    out.bytes(chunk, 0, length).tuple3();
    endCall(out);
  }

  static void receiveBlobStop(PickleWriter out, Oid oid, Tid serial) {
    beginCall(out, "receiveBlobStop").bytes8(oid.value()).bytes8(serial.value()).tuple2();
    endCall(out);
  }

  private static PickleWriter beginCall(PickleWriter out, String method) {
    return out.start().mark().integer(0).bool(true).text(method);
  }

  private static void endCall(PickleWriter out) {
    out.tuple().stop();
  }
}
