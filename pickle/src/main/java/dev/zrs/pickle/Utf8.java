package dev.zrs.pickle;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * UTF-8 as Python's codec with the error handler {@code surrogatepass}: lone surrogates are legal,
 * all else is strict. Java's own decoder would replace what it can't read without saying so.
 */
final class Utf8 {
  private Utf8() {}

  /** The text, or null if the bytes are not UTF-8. */
  static @Nullable String decodeOrNull(byte[] bytes, int offset, int length) {
    int end = offset + length;
    int i = offset;
    while (i < end && bytes[i] >= 0) {
      i++;
    }
    if (i == end) {
      return new String(bytes, offset, length, StandardCharsets.ISO_8859_1);
    }
    StringBuilder text = new StringBuilder(length);
    text.append(new String(bytes, offset, i - offset, StandardCharsets.ISO_8859_1));
    while (i < end) {
      int lead = bytes[i] & 0xff;
      int more;
      int point;
      if (lead < 0x80) {
        more = 0;
        point = lead;
      } else if (lead >= 0xc2 && lead < 0xe0) {
        more = 1;
        point = lead & 0x1f;
      } else if (lead >= 0xe0 && lead < 0xf0) {
        more = 2;
        point = lead & 0x0f;
      } else if (lead >= 0xf0 && lead < 0xf5) {
        more = 3;
        point = lead & 0x07;
      } else {
        return null;
      }
      if (end - i <= more) {
        return null;
      }
      for (int k = 1; k <= more; k++) {
        int next = bytes[i + k] & 0xff;
        if ((next & 0xc0) != 0x80) {
          return null;
        }
        point = (point << 6) | (next & 0x3f);
      }
      boolean overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
      if (overlong || point > Character.MAX_CODE_POINT) {
        return null;
      }
      text.appendCodePoint(point);
      i += more + 1;
    }
    return text.toString();
  }

  /** How many bytes {@link #encode} needs. */
  static long encodedLength(String text) {
    long length = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        length++;
      } else if (c < 0x800) {
        length += 2;
      } else if (isPairAt(text, i)) {
        length += 4;
        i++;
      } else {
        length += 3;
      }
    }
    return length;
  }

  /** Writes the text into a buffer that has room for it; answers the position after it. */
  static int encode(String text, byte[] target, int position) {
    int p = position;
    for (int i = 0; i < text.length(); i++) {
      int c = text.charAt(i);
      if (c < 0x80) {
        target[p++] = (byte) c;
      } else if (c < 0x800) {
        target[p++] = (byte) (0xc0 | (c >> 6));
        target[p++] = (byte) (0x80 | (c & 0x3f));
      } else if (isPairAt(text, i)) {
        int point = text.codePointAt(i++);
        target[p++] = (byte) (0xf0 | (point >> 18));
        target[p++] = (byte) (0x80 | ((point >> 12) & 0x3f));
        target[p++] = (byte) (0x80 | ((point >> 6) & 0x3f));
        target[p++] = (byte) (0x80 | (point & 0x3f));
      } else {
        target[p++] = (byte) (0xe0 | (c >> 12));
        target[p++] = (byte) (0x80 | ((c >> 6) & 0x3f));
        target[p++] = (byte) (0x80 | (c & 0x3f));
      }
    }
    return p;
  }

  private static boolean isPairAt(String text, int index) {
    return Character.isHighSurrogate(text.charAt(index))
        && index + 1 < text.length()
        && Character.isLowSurrogate(text.charAt(index + 1));
  }
}
