package dev.zrs.server.logging;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** The digits that Python's float formats {@code e}, {@code f} and {@code g} give to a number. */
final class PythonFloat {
  static final int DEFAULT_PRECISION = 6;

  private PythonFloat() {}

  /**
   * The text of a number that is not negative.
   *
   * @param type the format's letter, in lower case
   * @param alternate whether a point and the zeros behind it stay
   */
  static String text(BigDecimal value, char type, int precision, boolean alternate) {
    return switch (type) {
      case 'f' -> fixed(value, precision, alternate);
      case 'e' -> scientific(value, precision, alternate);
      default -> general(value, Math.max(1, precision), alternate);
    };
  }

  private static String fixed(BigDecimal value, int digits, boolean alternate) {
    String shown = value.setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    return digits == 0 && alternate ? shown + "." : shown;
  }

  private static String scientific(BigDecimal value, int digits, boolean alternate) {
    BigDecimal rounded = value.round(new MathContext(digits + 1, RoundingMode.HALF_EVEN));
    int exponent = exponent(rounded);
    String shown = fixed(rounded.scaleByPowerOfTen(-exponent), digits, alternate);
    return shown
        + String.format(Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
  }

  private static String general(BigDecimal value, int digits, boolean alternate) {
    BigDecimal rounded = value.round(new MathContext(digits, RoundingMode.HALF_EVEN));
    int exponent = exponent(rounded);
    String shown =
        exponent < -4 || exponent >= digits
            ? scientific(rounded, digits - 1, alternate)
            : fixed(rounded, digits - 1 - exponent, alternate);
    return alternate ? shown : withoutZeros(shown);
  }

  /**
   * What {@code str.format} makes of a precision without a letter: always with a point or an
   * exponent, which comes one digit earlier than with {@code g}.
   */
  static String withPrecisionAlone(BigDecimal value, int precision) {
    int digits = Math.max(1, precision);
    BigDecimal rounded = value.round(new MathContext(digits, RoundingMode.HALF_EVEN));
    int exponent = exponent(rounded);
    if (exponent < -4 || exponent >= digits - 1) {
      return withoutZeros(scientific(rounded, digits - 1, false));
    }
    String shown = withoutZeros(fixed(rounded, digits - 1 - exponent, false));
    return shown.contains(".") ? shown : shown + ".0";
  }

  private static String withoutZeros(String shown) {
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
}
