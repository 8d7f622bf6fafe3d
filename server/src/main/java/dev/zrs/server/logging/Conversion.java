package dev.zrs.server.logging;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/**
 * One conversion of Python's {@code %} operator.
 *
 * @param type the conversion's letter
 * @param flags any of {@code - + 0 # space}
 * @param width least number of characters
 * @param precision -1 if none is given
 */
record Conversion(char type, String flags, int width, int precision) {
  private static final int DEFAULT_PRECISION = 6;

  private boolean has(char flag) {
    return flags.indexOf(flag) >= 0;
  }

  /** The converted value of a String, Long or Double (finite). */
  String apply(Object value) {
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
    int digits = precision < 0 ? DEFAULT_PRECISION : precision;
    String shown =
        switch (Character.toLowerCase(type)) {
          case 'f' -> fixed(exact, digits);
          case 'e' -> scientific(exact, digits);
          default -> general(exact, Math.max(1, digits));
        };
    if (Character.isUpperCase(type)) {
      shown = shown.toUpperCase(Locale.ROOT);
    }
    return number(Math.copySign(1, value) < 0, "", shown);
  }

  private String fixed(BigDecimal value, int digits) {
    String shown = value.setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    return digits == 0 && has('#') ? shown + "." : shown;
  }

  private String scientific(BigDecimal value, int digits) {
    BigDecimal rounded = value.round(new MathContext(digits + 1, RoundingMode.HALF_EVEN));
    int exponent = exponent(rounded);
    String shown = fixed(rounded.scaleByPowerOfTen(-exponent), digits);
    return shown
        + String.format(Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
  }

  private String general(BigDecimal value, int digits) {
    BigDecimal rounded = value.round(new MathContext(digits, RoundingMode.HALF_EVEN));
    int exponent = exponent(rounded);
    String shown =
        exponent < -4 || exponent >= digits
            ? scientific(rounded, digits - 1)
            : fixed(rounded, digits - 1 - exponent);
    if (has('#')) {
      return shown;
    }
    int mantissaEnd = shown.indexOf('e') < 0 ? shown.length() : shown.indexOf('e');
    String mantissa = shown.substring(0, mantissaEnd);
    if (mantissa.contains(".")) {
      mantissa = mantissa.replaceFirst("\\.?0+$", "");
    }
    return mantissa + shown.substring(mantissaEnd);
  }

  private static int exponent(BigDecimal value) {
    return value.signum() == 0 ? 0 : value.precision() - value.scale() - 1;
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
