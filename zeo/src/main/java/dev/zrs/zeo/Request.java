package dev.zrs.zeo;

import dev.zrs.pickle.PickleLimits;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request of a client. The accessors throw a {@link RequestException}, Python's TypeError, if an
 * argument is of another kind.
 *
 * @param id what the reply must name: a number, or the oid and tid of a loadBefore
 * @param async whether the client expects no reply
 * @param method which method
 * @param arguments its arguments
 */
record Request(Object id, boolean async, String method, List<Object> arguments) {
  private static final Long KEEP_ALIVE = -1L;

  private static final int MAX_ID_PART = 64;

  /**
   * The deepest transaction extension that Python can write nests some 500 levels, and the longest
   * that a file can hold has 65,535 bytes; the number of values bounds what one message costs to
   * about ten megabytes beside its data.
   */
  static final PickleLimits LIMITS = new PickleLimits(PickleLimits.DEFAULT_MAX_DEPTH, 200_000);

  /**
   * Reads a message.
   *
   * @return null for a message that only keeps the connection alive
   * @throws ProtocolException or PickleException if it is no message
   */
  static @Nullable Request decode(Encoding encoding, byte[] buffer, int offset, int length) {
    Object message = encoding.decode(buffer, offset, length);
    PyTuple parts = Py.asTuple(message, 4);
    Object id = parts.get(0);
    if (id.equals(KEEP_ALIVE)) {
      return null;
    }
    if (!isId(id)) {
      throw new ProtocolException("a message id that is " + Py.describe(id));
    }
    return new Request(
        id, Py.asBoolean(parts.get(1)), Py.asText(parts.get(2)), Py.asSequence(parts.get(3)));
  }

  /** Clients use numbers, and for loadBefore its two arguments; an id must be cheap to repeat. */
  private static boolean isId(Object id) {
    return id instanceof Long
        || (id instanceof PyTuple tuple
            && tuple.size() <= 4
            && tuple.items().stream()
                .allMatch(
                    part ->
                        part instanceof Long
                            || (part instanceof byte[] bytes && bytes.length <= MAX_ID_PART)));
  }

  /** Checks the number of arguments. */
  void expect(int least, int most) {
    if (arguments.size() < least || arguments.size() > most) {
      throw typeError(
          "takes %s arguments, not %d"
              .formatted(least == most ? least : least + " to " + most, arguments.size()));
    }
  }

  Object argument(int index) {
    if (index >= arguments.size()) {
      throw typeError("missing argument " + (index + 1));
    }
    return arguments.get(index);
  }

  Oid oid(int index) {
    return new Oid(eightBytes(index));
  }

  Tid tid(int index) {
    return new Tid(eightBytes(index));
  }

  /** The serial that a change is based on; Python's storages take None or a str for new objects. */
  Tid serial(int index) {
    return switch (argument(index)) {
      case PyNone none -> Tid.NONE;
      case String text when text.equals("\0".repeat(Tid.BYTES)) -> Tid.NONE;
      default -> tid(index);
    };
  }

  @Nullable Tid tidOrNone(int index) {
    return index >= arguments.size() || Py.isNone(argument(index)) ? null : tid(index);
  }

  byte[] bytes(int index) {
    if (argument(index) instanceof byte[] bytes) {
      return bytes;
    }
    throw wrongKind(index, "bytes");
  }

  /** An integer; {@code missing} if there is no such argument. */
  long integer(int index, long missing) {
    if (index >= arguments.size()) {
      return missing;
    }
    return switch (argument(index)) {
      case Long number -> number;
      case Boolean bool -> bool ? 1 : 0;
      default -> throw wrongKind(index, "an integer");
    };
  }

  String text(int index) {
    if (argument(index) instanceof String text) {
      return text;
    }
    throw wrongKind(index, "a str");
  }

  private long eightBytes(int index) {
    byte[] bytes = bytes(index);
    if (bytes.length != Oid.BYTES) {
      throw wrongKind(index, "eight bytes");
    }
    return Oid.of(bytes).value();
  }

  RequestException wrongKind(int index, String wanted) {
    return typeError(
        "argument %d must be %s, not %s"
            .formatted(index + 1, wanted, Py.describe(argument(index))));
  }

  private RequestException typeError(String problem) {
    return new RequestException(RemoteError.builtin("TypeError", method + "() " + problem));
  }
}
