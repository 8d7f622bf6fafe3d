package dev.zrs.pickle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

/**
 * The arguments of opcodes, read from a part of an array. Each length is checked against what is
 * left before anything is allocated.
 */
final class PickleInput {
  private static final VarHandle INT_LE =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG_LE =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle DOUBLE =
      MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.BIG_ENDIAN);

  private final byte[] buf;
  private final int start;
  private final int end;
  private int pos;

  PickleInput(byte[] buf, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, buf.length);
    this.buf = buf;
    this.start = offset;
    this.end = offset + length;
    this.pos = offset;
  }

  /** The place in the array of the next byte. */
  int position() {
    return pos;
  }

  /** How far the next byte is from the begin of the part. */
  int offset() {
    return pos - start;
  }

  /** The size of the whole part. */
  int size() {
    return end - start;
  }

  int u2() {
    int from = take(2);
    return (buf[from] & 0xff) | (buf[from + 1] & 0xff) << 8;
  }

  int s4() {
    return (int) INT_LE.get(buf, take(4));
  }

  double f8() {
    return (double) DOUBLE.get(buf, take(8));
  }

  int take(int length) {
    if (length > end - pos) {
      throw new PickleException(
          "needs " + length + " more bytes, but " + (end - pos) + " are left");
    }
    int from = pos;
    pos += length;
    return from;
  }

  int u1() {
    return buf[take(1)] & 0xff;
  }

  long u4() {
    return (int) INT_LE.get(buf, take(4)) & 0xffffffffL;
  }

  long u8() {
    return (long) LONG_LE.get(buf, take(8));
  }

  /** A length that the rest of the input can hold. */
  int length(long length) {
    if (length < 0 || length > end - pos) {
      throw new PickleException(
          "needs "
              + Long.toUnsignedString(length)
              + " more bytes, but "
              + (end - pos)
              + " are left");
    }
    return (int) length;
  }

  byte[] bytes(int length) {
    int from = take(length);
    return Arrays.copyOfRange(buf, from, from + length);
  }

  String text(int length) {
    String text = Utf8.decodeOrNull(buf, take(length), length);
    if (text == null) {
      throw new PickleException("text that is not UTF-8");
    }
    return text;
  }

  Object twosComplement(int length) {
    if (length == 0) {
      return 0L;
    }
    byte[] bigEndian = bytes(length);
    for (int i = 0, k = length - 1; i < k; i++, k--) {
      byte swapped = bigEndian[i];
      bigEndian[i] = bigEndian[k];
      bigEndian[k] = swapped;
    }
    return TextArguments.normalized(new BigInteger(bigEndian));
  }

  String line() {
    int from = pos;
    return TextArguments.latin1(buf, from, endOfLine());
  }

  String name() {
    int from = pos;
    String name = Utf8.decodeOrNull(buf, from, endOfLine() - from);
    if (name == null) {
      throw new PickleException("a name that is not UTF-8");
    }
    return name;
  }

  int endOfLine() {
    for (int i = pos; i < end; i++) {
      if (buf[i] == '\n') {
        pos = i + 1;
        return i;
      }
    }
    throw new PickleException("a line without an end");
  }

  long decimal() {
    String line = line();
    if (line.isEmpty() || line.length() > 18 || !line.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw new PickleException("a bad memo number");
    }
    return Long.parseLong(line);
  }
}
