package dev.zrs.pickle;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A Python 2 {@code str}: bytes that may have been meant as text (opcodes S, T and U).
 *
 * @param bytes the content; owned by this value, not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // equals and hashCode below compare the content
public record PyStr8(byte[] bytes) {
  @Override
  public boolean equals(Object other) {
    return other instanceof PyStr8 that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** The bytes as Latin-1 text, one character per byte. */
  @Override
  public String toString() {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
