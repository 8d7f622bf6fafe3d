package dev.zrs.server.logging;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;

/**
 * One conversion of Python's {@code %} operator.
 *
 * @param type the conversion's letter
 * @param flags any of {@code - + 0 # space}
 * @param width least number of characters
 * @param precision -1 if none is given
 */
record Conversion(char type, String flags, int width, int precision) implements FieldConversion {
  private boolean has(char flag) {
    return flags.indexOf(flag) >= 0;
  }

  @Override
  public String apply(Object value) {
    return switch (type) {
      case 's' -> text(plain(value));
      case 'r', 'a' -> text(value instanceof String s ? Repr.of(s, type == 'a') : plain(value));
      case 'c' -> text(Character.toString((int) (long) (Long) value));
      case 'd', 'i', 'u' -> integer(truncated(value), 10, "");
      case 'o' -> integer(truncated(value), 8, "0o");
      case 'x' -> integer(truncated(value), 16, "0x");
      case 'X' -> integer(truncated(value), 16, "0X");
      default -> real(((Number) value).doubleValue());
    };
  }

  private static String plain(Object value) {
    return value instanceof Double d ? Repr.of(d) : value.toString();
  }

  private static BigInteger truncated(Object value) {
    return value instanceof Double d
        ? new BigDecimal(d).toBigInteger()
        : BigInteger.valueOf((Long) value);
  }

  private String text(String value) {
    int count = value.codePointCount(0, value.length());
    String shown = value;
    if (precision >= 0 && precision < count) {
      shown = value.substring(0, value.offsetByCodePoints(0, precision));
      count = precision;
    }
    String padding = " ".repeat(Math.max(0, width - count));
    return has('-') ? shown + padding : padding + shown;
  }

  private String integer(BigInteger value, int radix, String prefix) {
    String digits = value.abs().toString(radix);
    digits = "0".repeat(Math.max(0, precision - digits.length())) + digits;
    if (type == 'X') {
      digits = digits.toUpperCase(Locale.ROOT);
    }
    return number(value.signum() < 0, has('#') ? prefix : "", digits);
  }

  private String real(double value) {
    BigDecimal exact = new BigDecimal(Math.abs(value));
    int digits = precision < 0 ? PythonFloat.DEFAULT_PRECISION : precision;
    String shown = PythonFloat.text(exact, Character.toLowerCase(type), digits, has('#'));
    if (Character.isUpperCase(type)) {
      shown = shown.toUpperCase(Locale.ROOT);
    }
    return number(Math.copySign(1, value) < 0, "", shown);
  }

  private String number(boolean negative, String prefix, String digits) {
    String sign = negative ? "-" : has('+') ? "+" : has(' ') ? " " : "";
    int missing = Math.max(0, width - sign.length() - prefix.length() - digits.length());
    if (has('-')) {
      return sign + prefix + digits + " ".repeat(missing);
    }
    return has('0')
        ? sign + prefix + "0".repeat(missing) + digits
        : " ".repeat(missing) + sign + prefix + digits;
  }
}
