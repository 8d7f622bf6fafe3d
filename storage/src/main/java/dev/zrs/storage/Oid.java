package dev.zrs.storage;

import java.util.HexFormat;

/**
 * An object id: eight bytes, ordered as an unsigned big-endian number. Its text form is 16
 * hexadecimal digits.
 *
 * @param value the eight bytes as a big-endian number (unsigned)
 */
public record Oid(long value) implements Comparable<Oid> {
  /** The id of the root object. */
  public static final Oid ROOT = new Oid(0);

  /** Size in bytes, in files and on the wire. */
  public static final int BYTES = 8;

  /**
   * Reads an id from its eight bytes.
   *
   * @throws IllegalArgumentException if there are not exactly eight
   */
  public static Oid of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("an oid has 8 bytes, not " + bytes.length);
    }
    return new Oid(Bytes.getLong(bytes, 0));
  }

  /** The eight bytes, big-endian; a new array each time. */
  public byte[] toBytes() {
    return Bytes.ofLong(value);
  }

  @Override
  public int compareTo(Oid other) {
    return Long.compareUnsigned(value, other.value);
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(value);
  }
}
