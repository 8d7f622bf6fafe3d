package dev.zrs.zeo;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleTypeException;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyByteArray;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyStr8;
import dev.zrs.pickle.PyTuple;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePacker;
import org.msgpack.core.buffer.MessageBuffer;
import org.msgpack.core.buffer.MessageBufferOutput;

/**
 * Messages in msgpack, which knows no difference between tuples and lists (ZEO/asyncio/marshal.py,
 * encoder: {@code packb(..., use_bin_type=True)}).
 */
final class MsgpackMessageWriter implements MessageWriter {
  /** Python's packer goes 511 levels deep. */
  private static final int MAX_DEPTH = 500;

  private final Output output = new Output();

  /** Written since the last reset, a shared one counted each time. */
  private int values;

  private final MessagePacker packer = MessagePack.newDefaultPacker(output);
  private final byte[] eight = new byte[Long.BYTES];

  private interface Step {
    void run() throws IOException;
  }

  @Override
  public void reset() {
    pack(packer::flush);
    output.reset();
    values = 0;
  }

  @Override
  public byte[] buffer() {
    pack(packer::flush);
    return output.bytes;
  }

  @Override
  public int size() {
    pack(packer::flush);
    return output.size;
  }

  @Override
  public MessageWriter begin() {
    return this;
  }

  @Override
  public MessageWriter end() {
    return this;
  }

  @Override
  public MessageWriter beginTuple(int parts) {
    return pack(() -> packer.packArrayHeader(parts));
  }

  @Override
  public MessageWriter endTuple(int parts) {
    return this;
  }

  @Override
  public MessageWriter beginList(int parts) {
    return beginTuple(parts);
  }

  @Override
  public MessageWriter endList(int parts) {
    return this;
  }

  @Override
  public MessageWriter beginDict(int entries) {
    return pack(() -> packer.packMapHeader(entries));
  }

  @Override
  public MessageWriter endDict(int entries) {
    return this;
  }

  @Override
  public MessageWriter none() {
    return pack(packer::packNil);
  }

  @Override
  public MessageWriter bool(boolean value) {
    return pack(() -> packer.packBoolean(value));
  }

  @Override
  public MessageWriter integer(long value) {
    return pack(() -> packer.packLong(value));
  }

  @Override
  public MessageWriter text(String value) {
    return pack(() -> packer.packString(value));
  }

  @Override
  public MessageWriter bytes(byte[] source, int offset, int length) {
    return pack(
        () -> {
          packer.packBinaryHeader(length);
          packer.writePayload(source, offset, length);
        });
  }

  @Override
  public MessageWriter bytes8(long value) {
    for (int i = 0; i < Long.BYTES; i++) {
      eight[i] = (byte) (value >>> (Long.SIZE - Byte.SIZE * (i + 1)));
    }
    return bytes(eight, 0, Long.BYTES);
  }

  @Override
  public MessageWriter value(Object value) {
    return value(value, 0);
  }

  private MessageWriter value(Object value, int depth) {
    if (depth > MAX_DEPTH) {
      throw new PickleException("a value nests more than " + MAX_DEPTH + " levels deep");
    }
    values++;
    if (values > PickleWriter.MAX_VALUES || output.size > PickleWriter.MAX_SIZE) {
      throw new PickleException("a value that unfolds without end");
    }
    return switch (value) {
      case PyNone none -> none();
      case Boolean bool -> bool(bool);
      case Long number -> integer(number);
      case Double number -> pack(() -> packer.packDouble(number));
      case BigInteger number when fits(number) -> pack(() -> packer.packBigInteger(number));
      case String text -> text(text);
      case PyStr8 text -> text(Py.asText(text));
      case byte[] bytes -> bytes(bytes);
      case PyByteArray bytes -> bytes(bytes.bytes());
      case PyTuple tuple -> values(tuple.items(), depth);
      case PyList list -> values(list.items(), depth);
      case PyDict dict -> {
        beginDict(dict.size());
        for (PyDict.Entry entry : dict.entries()) {
          if (!(entry.key() instanceof String || entry.key() instanceof byte[])) {
            // Python's reader would take nothing of the whole message.
            throw new PickleTypeException("text or bytes as a key", entry.key());
          }
          value(entry.key(), depth + 1);
          value(entry.value(), depth + 1);
        }
        yield this;
      }
      default -> throw new PickleTypeException("what msgpack can say", value);
    };
  }

  private MessageWriter values(List<Object> values, int depth) {
    beginTuple(values.size());
    values.forEach(each -> value(each, depth + 1));
    return this;
  }

  private static boolean fits(BigInteger number) {
    return number.bitLength() < Long.SIZE
        || (number.signum() > 0 && number.bitLength() == Long.SIZE);
  }

  private MessageWriter pack(Step step) {
    try {
      step.run();
      return this;
    } catch (IOException e) {
      // There is no device behind it.
      throw new UncheckedIOException(e);
    }
  }

  /** One array, which is kept and grows. */
  private static final class Output implements MessageBufferOutput {
    private static final int INITIAL = 256;

    /** A larger array is let go when the message has been sent. */
    private static final int KEPT = 128 << 10;

    private byte[] bytes = new byte[INITIAL];
    private int size;

    void reset() {
      size = 0;
      if (bytes.length > KEPT) {
        bytes = new byte[INITIAL];
      }
    }

    @Override
    public MessageBuffer next(int minimumSize) {
      ensure(minimumSize);
      return MessageBuffer.wrap(bytes, size, bytes.length - size);
    }

    @Override
    public void writeBuffer(int length) {
      size += length;
    }

    @Override
    public void write(byte[] buffer, int offset, int length) {
      ensure(length);
      System.arraycopy(buffer, offset, bytes, size, length);
      size += length;
    }

    @Override
    public void add(byte[] buffer, int offset, int length) {
      write(buffer, offset, length);
    }

    @Override
    public void flush() {
      // It is where it has to be.
    }

    @Override
    public void close() {
      // There is nothing to close.
    }

    private void ensure(int more) {
      long needed = (long) size + more;
      if (needed > bytes.length) {
        bytes =
            Arrays.copyOf(
                bytes, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(needed, 2L * bytes.length)));
      }
    }
  }
}
