package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Revision;
import dev.zrs.storage.Tid;
import java.util.Collection;
import java.util.function.Consumer;

/**
 * The messages of ZEO: tuples of message id, a flag, a name and arguments. The flag is 0 for a
 * reply, 2 for an error, True for a message that gets no reply, False for one that gets one.
 */
final class Messages {
  /** The name of what answers a message, also with an error. */
  static final String REPLY = ".reply";

  /** The flag of an error. */
  static final int ERROR_FLAG = 2;

  /** Message id, flag, name, arguments. */
  private static final int PARTS = 4;

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

  /** A reply with any value. */
  static void reply(MessageWriter out, Object id, Object result) {
    beginReply(out, id).value(result);
    endReply(out);
  }

  /** What goes before the value of a reply. */
  static MessageWriter beginReply(MessageWriter out, Object id) {
    return beginReply(out, to -> to.value(id));
  }

  /** The same with an id that the caller writes. */
  static MessageWriter beginReply(MessageWriter out, Consumer<MessageWriter> id) {
    out.begin().beginTuple(PARTS);
    id.accept(out);
    return out.integer(0).text(REPLY);
  }

  /** What goes after it. */
  static void endReply(MessageWriter out) {
    out.endTuple(PARTS).end();
  }

  /** An error, from which the client makes an exception. */
  static void error(MessageWriter out, Object id, RemoteError error) {
    error(out, to -> to.value(id), error);
  }

  /** The same with an id that the caller writes. */
  static void error(MessageWriter out, Consumer<MessageWriter> id, RemoteError error) {
    out.begin().beginTuple(PARTS);
    id.accept(out);
    out.integer(ERROR_FLAG).text(REPLY);
    out.beginTuple(2).text(error.className()).value(error.arguments()).endTuple(2);
    out.endTuple(PARTS).end();
  }

  /** The value of loadBefore's reply: data, serial and the end of its time, or None. */
  static void revision(MessageWriter out, Revision revision, Tid asOf) {
    out.beginTuple(3).bytes(revision.data()).bytes8(revision.serial().value());
    Tid end = revision.end();
    if (end == null || end.compareTo(asOf) > 0) {
      out.none();
    } else {
      out.bytes8(end.value());
    }
    out.endTuple(3);
  }

  static void invalidateTransaction(MessageWriter out, Tid tid, Collection<Oid> oids) {
    beginCall(out, "invalidateTransaction", 2).bytes8(tid.value());
    oids(out, oids);
    endCall(out, 2);
  }

  /** A list of oids. */
  static void oids(MessageWriter out, Collection<Oid> oids) {
    out.beginList(oids.size());
    for (Oid oid : oids) {
      out.bytes8(oid.value());
    }
    out.endList(oids.size());
  }

  static void info(MessageWriter out, long length, long size) {
    beginCall(out, "info", 1).beginDict(2);
    out.text("length").integer(length).text("size").integer(size).endDict(2);
    endCall(out, 1);
  }

  static void receiveBlobStart(MessageWriter out, Oid oid, Tid serial) {
    beginCall(out, "receiveBlobStart", 2).bytes8(oid.value()).bytes8(serial.value());
    endCall(out, 2);
  }

  static void receiveBlobChunk(MessageWriter out, Oid oid, Tid serial, byte[] chunk, int length) {
    beginCall(out, "receiveBlobChunk", 3).bytes8(oid.value()).bytes8(serial.value());
    out.bytes(chunk, 0, length);
    endCall(out, 3);
  }

  static void receiveBlobStop(MessageWriter out, Oid oid, Tid serial) {
    beginCall(out, "receiveBlobStop", 2).bytes8(oid.value()).bytes8(serial.value());
    endCall(out, 2);
  }

  private static MessageWriter beginCall(MessageWriter out, String method, int arguments) {
    out.begin().beginTuple(PARTS).integer(0).bool(true).text(method);
    return out.beginTuple(arguments);
  }

  private static void endCall(MessageWriter out, int arguments) {
    out.endTuple(arguments).endTuple(PARTS).end();
  }
}
