package dev.zrs.pickle;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** The arguments of the opcodes of protocol 0: lines of text. */
final class TextArguments {
  /** Python's limit (sys.int_info.default_max_str_digits): conversion takes quadratic time. */
  static final int MAX_DIGITS = 4_300;

  private static final int MAX_FLOAT_LENGTH = 1_000;
  private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+");

  // Possessive: trying every division of the digits would take quadratic time.
  private static final Pattern FLOAT =
      Pattern.compile("[+-]?([0-9]++\\.?[0-9]*+|\\.[0-9]++)([eE][+-]?[0-9]++)?");

  private static final Pattern INFINITY =
      Pattern.compile("[+-]?inf(inity)?", Pattern.CASE_INSENSITIVE);
  private static final Pattern NAN = Pattern.compile("[+-]?nan", Pattern.CASE_INSENSITIVE);

  private TextArguments() {}

  /** Opcode I: an integer, or a bool in the guise of 00 or 01. */
  static Object intOrBool(String line) {
    return switch (line) {
      case "00" -> false;
      case "01" -> true;
      default -> integer(line.strip());
    };
  }

  /** Opcode L: an integer, usually with a final L. */
  static Object longInteger(String line) {
    return integer(line.endsWith("L") ? line.substring(0, line.length() - 1) : line);
  }

  private static Object integer(String digits) {
    if (digits.length() > MAX_DIGITS + 1) {
      throw new PickleException("an integer of more than " + MAX_DIGITS + " digits");
    }
    if (!INTEGER.matcher(digits).matches()) {
      throw new PickleException("not an integer");
    }
    return normalized(new BigInteger(digits));
  }

  /** A Long where one is enough. */
  static Object normalized(BigInteger value) {
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  /** Opcode F: a float as Python's repr writes it. */
  static double floating(String line) {
    if (line.length() > MAX_FLOAT_LENGTH) {
      throw new PickleException("a float of more than " + MAX_FLOAT_LENGTH + " characters");
    }
    if (FLOAT.matcher(line).matches()) {
      return Double.parseDouble(line);
    }
    if (INFINITY.matcher(line).matches()) {
      return line.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    if (NAN.matcher(line).matches()) {
      return Double.NaN;
    }
    throw new PickleException("not a float");
  }

  /** Opcode S: a Python 2 str as its repr, with Python's escapes. */
  static PyStr8 quoted(String line) {
    String text = line.stripTrailing();
    char quote = text.isEmpty() ? 0 : text.charAt(0);
    if (text.length() < 2
        || (quote != '\'' && quote != '"')
        || !text.endsWith(text.substring(0, 1))) {
      throw new PickleException("a string without its quotes");
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    int end = text.length() - 1;
    int i = 1;
    while (i < end) {
      char c = text.charAt(i++);
      if (c != '\\') {
        bytes.write(c);
        continue;
      }
      if (i == end) {
        throw new PickleException("a backslash at the end of a string");
      }
      char escape = text.charAt(i++);
      int simple = "\\'\"abfnrtv".indexOf(escape);
      if (simple >= 0) {
        bytes.write("\\'\"\007\b\f\n\r\t\013".charAt(simple));
      } else if (escape == 'x') {
        bytes.write(hex(text, i, Math.min(i + 2, end), 2));
        i += 2;
      } else if (escape >= '0' && escape <= '7') {
        int value = escape - '0';
        for (int k = 0; k < 2 && i < end && text.charAt(i) >= '0' && text.charAt(i) <= '7'; k++) {
          value = value * 8 + text.charAt(i++) - '0';
        }
        bytes.write(value);
      } else {
        bytes.write('\\');
        bytes.write(escape);
      }
    }
    return new PyStr8(bytes.toByteArray());
  }

  /** Opcode V: text in Python's codec raw-unicode-escape. */
  static String rawUnicodeEscape(String line) {
    if (line.indexOf('\\') < 0) {
      return line;
    }
    StringBuilder text = new StringBuilder(line.length());
    int i = 0;
    while (i < line.length()) {
      char c = line.charAt(i++);
      if (c != '\\' || i == line.length()) {
        text.append(c);
        continue;
      }
      char escape = line.charAt(i++);
      if (escape != 'u' && escape != 'U') {
        text.append(c).append(escape);
        continue;
      }
      int digits = escape == 'u' ? 4 : 8;
      int point = hex(line, i, Math.min(i + digits, line.length()), digits);
      if (!Character.isValidCodePoint(point)) {
        throw new PickleException("an escape beyond Unicode");
      }
      text.appendCodePoint(point);
      i += digits;
    }
    return text.toString();
  }

  private static int hex(String text, int from, int to, int digits) {
    int value = 0;
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      // Character.digit alone would also take digits of other scripts.
      int digit = c < 0x80 ? Character.digit(c, 16) : -1;
      if (digit < 0) {
        throw new PickleException("a bad hex escape");
      }
      value = value << 4 | digit;
    }
    if (to - from != digits) {
      throw new PickleException("a hex escape that is too short");
    }
    return value;
  }

  /** A line as bytes, one character each. */
  static String latin1(byte[] buffer, int from, int to) {
    return new String(buffer, from, to - from, StandardCharsets.ISO_8859_1);
  }
}
