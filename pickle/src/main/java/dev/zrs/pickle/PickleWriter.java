package dev.zrs.pickle;

import static dev.zrs.pickle.Opcode.*;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

/**
 * Writes pickles into a buffer that grows, with exactly the bytes of the Python pickler that it
 * stands for. {@link #write} writes any value that {@link Unpickler} can produce; the other methods
 * write single opcodes, so that a reply can be built without a tree of values. They don't check
 * that the opcodes make sense together, and never use the memo.
 *
 * <p>The buffer can be reused after {@link #reset}. Not for use by several threads at once.
 */
public final class PickleWriter {
  /**
   * How deep values may nest at least; beyond four times that they never may. Python's own
   * recursion limit is the same number, and it needs two or three of it for most levels.
   */
  public static final int MAX_DEPTH = 1_000;

  /** How many values one {@link #write} may write, a shared one without memo counted each time. */
  public static final int MAX_VALUES = 20_000_000;

  /** How many bytes one {@link #write} may have written when it comes to its last value. */
  public static final int MAX_SIZE = 1 << 28;

  private static final VarHandle INT_LE =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG_BE =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle DOUBLE =
      MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.BIG_ENDIAN);

  private static final int INITIAL_CAPACITY = 256;

  /** What the usual messages fit in, so that they don't need a new buffer each time. */
  private static final int KEPT_CAPACITY = 128 << 10;

  // Some JVMs can't allocate arrays of quite the largest int.
  private static final int MAX_CAPACITY = Integer.MAX_VALUE - 8;
  private static final String LATIN1 = "latin1";

  private final int protocol;
  private final ValueWriter values;
  private byte[] buf = new byte[INITIAL_CAPACITY];
  private int size;
  private int maxSize = MAX_SIZE;

  private PickleWriter(int protocol, boolean memoizes) {
    this.protocol = protocol;
    this.values = new ValueWriter(this, memoizes);
  }

  /**
   * Protocol 3 without memo: the bytes of zodbpickle's {@code Pickler(f, 3)} with {@code fast},
   * which is what ZEO sends.
   */
  public static PickleWriter zeo() {
    return new PickleWriter(3, false);
  }

  /**
   * Protocol 3 with memo: the bytes of zodbpickle's {@code dumps}, which ZODB uses for what it puts
   * into files.
   *
   * @param protocol must be 3, the only one that ZODB writes
   */
  public static PickleWriter memoized(int protocol) {
    if (protocol != 3) {
      throw new IllegalArgumentException("protocol " + protocol + " with memo is not supported");
    }
    return new PickleWriter(protocol, true);
  }

  /**
   * Protocol 1 without memo: the bytes of Python 3's own {@code pickle.Pickler(f, 1)} with {@code
   * fast}, which is what zc.zrs sends. Python 2 can read it.
   */
  public static PickleWriter zrs() {
    return new PickleWriter(1, false);
  }

  /** Lets one {@link #write} write less than {@link #MAX_SIZE}. */
  public PickleWriter limitedTo(int bytes) {
    maxSize = bytes;
    return this;
  }

  int maxSize() {
    return maxSize;
  }

  /**
   * Protocol 1 with memo, for what {@link #zrs} could not write faithfully: a value that occurs
   * twice is written once, and a value may contain itself.
   */
  public static PickleWriter zrsMemoized() {
    return new PickleWriter(1, true);
  }

  /** Whether the last {@link #write} had a value that occurs more than once; false without memo. */
  public boolean hasSharedValues() {
    return values.memo().hasShared();
  }

  /**
   * Writes one whole pickle after what is in the buffer.
   *
   * @throws PickleException if the value nests too deep for {@link #MAX_DEPTH} (without memo also
   *     if it contains itself) or is of a Java class that is no value of a pickle; the buffer is
   *     then as before
   */
  public PickleWriter write(Object value) {
    int before = size;
    try {
      values.begin();
      values.memo().forgetShared();
      start();
      values.write(value);
      return stop();
    } catch (PickleException e) {
      size = before;
      throw e;
    } finally {
      values.begin();
    }
  }

  /** Writes a value in the midst of a pickle; throws as {@link #write} does. */
  public PickleWriter value(Object value) {
    int before = size;
    try {
      values.begin();
      values.write(value);
      return this;
    } catch (PickleException e) {
      size = before;
      throw e;
    }
  }

  /** The begin of a pickle; protocol 1 has none. */
  public PickleWriter start() {
    return protocol < 2 ? this : op(PROTO).u1(protocol);
  }

  /** The end of a pickle. */
  public PickleWriter stop() {
    return op(STOP);
  }

  /** Begins a sequence of values for {@link #tuple}, {@link #appends} or {@link #setItems}. */
  public PickleWriter mark() {
    return op(MARK);
  }

  /** None. */
  public PickleWriter none() {
    return op(NONE);
  }

  /** A bool. */
  public PickleWriter bool(boolean value) {
    return protocol >= 2 ? op(value ? NEWTRUE : NEWFALSE) : ascii(value ? "I01\n" : "I00\n");
  }

  /** An integer. */
  public PickleWriter integer(long value) {
    if (value != (int) value) {
      return largeInteger(BigInteger.valueOf(value));
    }
    if (value >= 0 && value <= 0xff) {
      return op(BININT1).u1((int) value);
    }
    if (value >= 0 && value <= 0xffff) {
      return op(BININT2).u1((int) value).u1((int) value >> 8);
    }
    return op(BININT).u4((int) value);
  }

  /** An integer of any size. */
  public PickleWriter integer(BigInteger value) {
    return value.bitLength() < Integer.SIZE ? integer(value.intValue()) : largeInteger(value);
  }

  private PickleWriter largeInteger(BigInteger value) {
    if (protocol < 2) {
      String digits = value.bitLength() > TextArguments.MAX_DIGITS * 4 ? "" : value.toString();
      int count = digits.length() - (value.signum() < 0 ? 1 : 0);
      if (digits.isEmpty() || count > TextArguments.MAX_DIGITS) {
        throw new PickleException(
            "an integer of more than " + TextArguments.MAX_DIGITS + " digits in protocol 1");
      }
      return op(LONG).ascii(digits).ascii("L\n");
    }
    byte[] bigEndian = value.toByteArray();
    if (bigEndian.length < 256) {
      op(LONG1).u1(bigEndian.length);
    } else {
      op(LONG4).u4(bigEndian.length);
    }
    ensure(bigEndian.length);
    for (int i = bigEndian.length - 1; i >= 0; i--) {
      buf[size++] = bigEndian[i];
    }
    return this;
  }

  /** A float. */
  public PickleWriter floating(double value) {
    op(BINFLOAT);
    ensure(8);
    DOUBLE.set(buf, size, value);
    size += 8;
    return this;
  }

  /** A str. */
  public PickleWriter text(String value) {
    long length = Utf8.encodedLength(value);
    ensure(length + 5);
    op(BINUNICODE).u4((int) length);
    size = Utf8.encode(value, buf, size);
    return this;
  }

  /** A Python 2 str; Python 3 makes text of it. */
  PickleWriter str8(byte[] value) {
    if (value.length < 256) {
      op(SHORT_BINSTRING).u1(value.length);
    } else {
      op(BINSTRING).u4(value.length);
    }
    return raw(value, 0, value.length);
  }

  /** Bytes. */
  public PickleWriter bytes(byte[] value) {
    return bytes(value, 0, value.length);
  }

  /** A part of an array, as bytes. */
  public PickleWriter bytes(byte[] source, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, source.length);
    if (protocol < 3) {
      return encodedBytes(source, offset, length);
    }
    return bytesHeader(length).raw(source, offset, length);
  }

  /** Bytes: the eight of a long, the most significant first; for an oid or tid. */
  public PickleWriter bytes8(long value) {
    if (protocol < 3) {
      byte[] bytes = new byte[8];
      LONG_BE.set(bytes, 0, value);
      return bytes(bytes);
    }
    bytesHeader(8).ensure(8);
    LONG_BE.set(buf, size, value);
    size += 8;
    return this;
  }

  /**
   * Makes room for bytes that the caller then puts into {@link #buffer} himself; protocol 3 only.
   *
   * @param length how many
   * @return the position of the first one
   */
  public int reserveBytes(int length) {
    requireProtocol(3);
    bytesHeader(length).ensure(length);
    int position = size;
    size += length;
    return position;
  }

  private PickleWriter bytesHeader(int length) {
    return length < 256 ? op(SHORT_BINBYTES).u1(length) : op(BINBYTES).u4(length);
  }

  /** Python 3's spelling of bytes that Python 2 understands too: text and its encoding. */
  private PickleWriter encodedBytes(byte[] source, int offset, int length) {
    if (length == 0) {
      return global("__builtin__", "bytes").emptyTuple().reduce();
    }
    global("_codecs", "encode").mark();
    long encodedLength = length;
    for (int i = offset; i < offset + length; i++) {
      encodedLength += source[i] < 0 ? 1 : 0;
    }
    ensure(encodedLength + 5);
    op(BINUNICODE).u4((int) encodedLength);
    for (int i = offset; i < offset + length; i++) {
      int c = source[i] & 0xff;
      if (c >= 0x80) {
        buf[size++] = (byte) (0xc0 | (c >> 6));
        c = 0x80 | (c & 0x3f);
      }
      buf[size++] = (byte) c;
    }
    return text(LATIN1).tuple().reduce();
  }

  /** The empty tuple. */
  public PickleWriter emptyTuple() {
    return op(EMPTY_TUPLE);
  }

  /** A tuple of the last value; protocol 3 only. */
  public PickleWriter tuple1() {
    return requireProtocol(2).op(TUPLE1);
  }

  /** A tuple of the last two values; protocol 3 only. */
  public PickleWriter tuple2() {
    return requireProtocol(2).op(TUPLE2);
  }

  /** A tuple of the last three values; protocol 3 only. */
  public PickleWriter tuple3() {
    return requireProtocol(2).op(TUPLE3);
  }

  /**
   * A tuple of the values since the mark. Python's picklers of protocol 3 use it for four and more
   * values, those of protocol 1 for one and more.
   */
  public PickleWriter tuple() {
    return op(TUPLE);
  }

  /** An empty list. */
  public PickleWriter emptyList() {
    return op(EMPTY_LIST);
  }

  /** Appends the last value to the list below it. */
  public PickleWriter append() {
    return op(APPEND);
  }

  /** Appends the values since the mark to the list below it. */
  public PickleWriter appends() {
    return op(APPENDS);
  }

  /** An empty dict. */
  public PickleWriter emptyDict() {
    return op(EMPTY_DICT);
  }

  /** Sets the last two values, key and value, in the dict below them. */
  public PickleWriter setItem() {
    return op(SETITEM);
  }

  /** Sets the keys and values since the mark in the dict below it. */
  public PickleWriter setItems() {
    return op(SETITEMS);
  }

  /** A global, by these very names. */
  public PickleWriter global(String module, String name) {
    return op(GLOBAL).nameLines(module, name);
  }

  PickleWriter nameLines(String module, String name) {
    if (module.indexOf('\n') >= 0 || name.indexOf('\n') >= 0) {
      throw new PickleException("a name with a line feed");
    }
    for (String part : new String[] {module, name}) {
      ensure(Utf8.encodedLength(part) + 1);
      size = Utf8.encode(part, buf, size);
      buf[size++] = '\n';
    }
    return this;
  }

  /** Calls the last value but one with the last value, a tuple. */
  public PickleWriter reduce() {
    return op(REDUCE);
  }

  /** Gives the last value as state to the object below it. */
  public PickleWriter build() {
    return op(BUILD);
  }

  /** The buffer itself; replaced by a larger one when it must grow. */
  public byte[] buffer() {
    return buf;
  }

  /** How many bytes of the buffer are written. */
  public int size() {
    return size;
  }

  /** A copy of what is written. */
  public byte[] toByteArray() {
    return Arrays.copyOf(buf, size);
  }

  /** Forgets what is written, and lets go of a buffer that a large value needed. */
  public void reset() {
    size = 0;
    if (buf.length > KEPT_CAPACITY) {
      buf = new byte[INITIAL_CAPACITY];
    }
  }

  int protocol() {
    return protocol;
  }

  PickleWriter op(int opcode) {
    return u1(opcode);
  }

  PickleWriter u1(int value) {
    ensure(1);
    buf[size++] = (byte) value;
    return this;
  }

  PickleWriter u4(int value) {
    ensure(4);
    INT_LE.set(buf, size, value);
    size += 4;
    return this;
  }

  PickleWriter raw(byte[] source, int offset, int length) {
    ensure(length);
    System.arraycopy(source, offset, buf, size, length);
    size += length;
    return this;
  }

  @SuppressWarnings("deprecation") // the one copy without an intermediate array; ASCII only
  private PickleWriter ascii(String value) {
    ensure(value.length());
    value.getBytes(0, value.length(), buf, size);
    size += value.length();
    return this;
  }

  private PickleWriter requireProtocol(int needed) {
    if (protocol < needed) {
      throw new IllegalStateException("protocol " + protocol + " has no such opcode");
    }
    return this;
  }

  private void ensure(long more) {
    long needed = size + more;
    if (needed > buf.length) {
      if (needed > MAX_CAPACITY) {
        throw new PickleException("a pickle of more than 2 GiB");
      }
      buf = Arrays.copyOf(buf, (int) Math.min(MAX_CAPACITY, Math.max(needed, 2L * buf.length)));
    }
  }
}
