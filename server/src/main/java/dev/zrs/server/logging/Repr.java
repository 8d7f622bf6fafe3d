package dev.zrs.server.logging;

import java.math.BigDecimal;
import java.util.Locale;

/** Python's {@code repr} and {@code ascii} of the values that a log record can have. Any thread. */
public final class Repr {
  private Repr() {}

  /** A finite number: the shortest digits that give it back, with an exponent from 1e16 on. */
  public static String of(double value) {
    BigDecimal shortest = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = shortest.signum() == 0 ? 0 : shortest.precision() - shortest.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String digits = shortest.unscaledValue().abs().toString();
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    return String.format(
        Locale.ROOT,
        "%s%se%s%02d",
        value < 0 ? "-" : "",
        mantissa,
        exponent < 0 ? "-" : "+",
        Math.abs(exponent));
  }

  /**
   * A text in quotes.
   *
   * @param ascii whether all that is not ASCII is escaped
   */
  public static String of(String text, boolean ascii) {
    char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
    StringBuilder repr = new StringBuilder().append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> repr.append("\\n");
                case '\r' -> repr.append("\\r");
                case '\t' -> repr.append("\\t");
                case '\\' -> repr.append("\\\\");
                default -> {
                  if (c == quote) {
                    repr.append('\\').append(quote);
                  } else if (isPrintable(c) && (c < 0x80 || !ascii)) {
                    repr.appendCodePoint(c);
                  } else {
                    repr.append(escape(c));
                  }
                }
              }
            });
    return repr.append(quote).toString();
  }

  private static String escape(int c) {
    String format = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
    return String.format(Locale.ROOT, format, c);
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
