package dev.zrs.zeo;

import dev.zrs.pickle.PickleLimits;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.msgpack.core.MessageFormat;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePackException;
import org.msgpack.core.MessageUnpacker;

/**
 * Reads one message in msgpack into the values that a pickle of it would have; arrays are tuples
 * (ZEO/asyncio/marshal.py, decoder: {@code unpackb(..., raw=False, use_list=False)}). What it makes
 * is in proportion to the message, whatever lengths that announces.
 */
final class MsgpackReader {
  private final MessageUnpacker in;
  private final int length;
  private final PickleLimits limits;
  private int values;

  private MsgpackReader(byte[] buffer, int offset, int length, PickleLimits limits) {
    this.in = MessagePack.newDefaultUnpacker(buffer, offset, length);
    this.length = length;
    this.limits = limits;
  }

  /**
   * Reads a message.
   *
   * @throws ProtocolException if it is none, or has something behind it
   */
  static Object read(byte[] buffer, int offset, int length, PickleLimits limits) {
    try {
      MsgpackReader reader = new MsgpackReader(buffer, offset, length, limits);
      Object value = reader.value(0);
      if (reader.left() != 0) {
        throw new ProtocolException("%d bytes behind a message".formatted(reader.left()));
      }
      return value;
    } catch (MessagePackException | IOException e) {
      throw new ProtocolException("a message that is no msgpack: " + e);
    }
  }

  private long left() {
    return length - in.getTotalReadBytes();
  }

  private Object value(int depth) throws IOException {
    if (depth > limits.maxDepth()) {
      throw new ProtocolException(
          "a message nests more than %d levels deep".formatted(limits.maxDepth()));
    }
    values++;
    if (values > limits.maxItems()) {
      throw new ProtocolException("a message of more than %d values".formatted(limits.maxItems()));
    }
    MessageFormat format = in.getNextFormat();
    return switch (format.getValueType()) {
      case NIL -> {
        in.unpackNil();
        yield PyNone.NONE;
      }
      case BOOLEAN -> in.unpackBoolean();
      case INTEGER -> integer(format);
      case FLOAT -> in.unpackDouble();
      case STRING -> text(payload(in.unpackRawStringHeader()));
      case BINARY -> payload(in.unpackBinaryHeader());
      case ARRAY -> array(require(in.unpackArrayHeader(), 1), depth);
      case MAP -> dict(require(in.unpackMapHeader(), 2), depth);
      case EXTENSION -> throw new ProtocolException("a message with an extension type");
    };
  }

  private Object integer(MessageFormat format) throws IOException {
    if (format != MessageFormat.UINT64) {
      return in.unpackLong();
    }
    BigInteger number = in.unpackBigInteger();
    return number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
  }

  /** Checks that so many values of a least size can still come. */
  private int require(int count, int bytesEach) {
    if ((long) count * bytesEach > left()) {
      throw new ProtocolException(
          "a message announces %d values and has %d bytes left".formatted(count, left()));
    }
    return count;
  }

  private byte[] payload(int size) throws IOException {
    return in.readPayload(require(size, 1));
  }

  private static String text(byte[] utf8) throws IOException {
    // Not the String's own decoding, which puts something else in the place of what is wrong.
    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
  }

  private PyTuple array(int count, int depth) throws IOException {
    return PyTuple.of(values(count, depth).toArray());
  }

  private PyDict dict(int count, int depth) throws IOException {
    List<Object> pairs = values(2 * count, depth);
    for (int i = 0; i < pairs.size(); i += 2) {
      if (!(pairs.get(i) instanceof String || pairs.get(i) instanceof byte[])) {
        // As Python's reader, which is strict about it.
        throw new ProtocolException("a message with a key that is neither text nor bytes");
      }
    }
    return PyDict.ofPairs(pairs.toArray());
  }

  /** Grows with what comes: of arrays within arrays each can announce all that is left. */
  private List<Object> values(int count, int depth) throws IOException {
    List<Object> all = new ArrayList<>(Math.min(count, 16));
    for (int i = 0; i < count; i++) {
      all.add(value(depth + 1));
    }
    return all;
  }
}
