package dev.zrs.server.logging;

import static dev.zrs.server.logging.FormatPart.bad;

import dev.zrs.server.logging.RecordField.Kind;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What stands behind the colon of a field for {@code str.format}.
 *
 * @param fill the character to pad with
 * @param align one of {@code < > ^ =}; 0 for the usual one of the value's kind
 * @param sign one of {@code + - space}
 * @param grouping one of {@code , _}; 0 for none
 * @param precision -1 for none
 * @param type the letter; 0 for none
 */
record BraceSpecification(
    int fill,
    char align,
    char sign,
    boolean alternate,
    int width,
    char grouping,
    int precision,
    char type)
    implements FieldConversion {
  private static final Pattern SPECIFICATION =
      Pattern.compile(
          "(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[+ -])?(?<alternate>#)?(?<zero>0)?"
              + "(?<width>\\d+)?(?<grouping>[,_])?(?:\\.(?<precision>\\d+))?"
              + "(?<type>[bcdefgnosxEFGX%])?",
          Pattern.DOTALL);

  /** Checks a specification for values of a kind. */
  static BraceSpecification parse(String text, Kind kind, String format) {
    Matcher found = SPECIFICATION.matcher(text);
    if (!found.matches()) {
      throw bad(format, "has ':%s', which is no format specification".formatted(text));
    }
    boolean zero = found.group("zero") != null;
    String fill = found.group("fill");
    char align = first(found.group("align"));
    BraceSpecification specification =
        new BraceSpecification(
            fill != null ? fill.codePointAt(0) : zero ? '0' : ' ',
            align == 0 && zero && kind != Kind.TEXT ? '=' : align,
            found.group("sign") == null ? '-' : first(found.group("sign")),
            found.group("alternate") != null,
            FormatPart.number(found.group("width"), 0, format),
            first(found.group("grouping")),
            FormatPart.number(found.group("precision"), -1, format),
            first(found.group("type")));
    if (!specification.fits(kind, found.group("sign") != null)) {
      throw bad(format, "has ':%s' for a value that can't be shown so".formatted(text));
    }
    return specification;
  }

  private static char first(@Nullable String text) {
    return text == null ? 0 : text.charAt(0);
  }

  private boolean fits(Kind kind, boolean signed) {
    return switch (kind) {
      case TEXT ->
          (type == 0 || type == 's') && !signed && !alternate && align != '=' && grouping == 0;
      case INTEGER -> type == 'c' ? isPlain(signed) : isNumber() && (isReal() || isInteger());
      case FLOAT -> isNumber() && (type == 0 || isReal());
    };
  }

  private boolean isPlain(boolean signed) {
    return !signed && !alternate && grouping == 0 && precision < 0;
  }

  private boolean isNumber() {
    return switch (type) {
      case 's', 'c' -> false;
      case 'n' -> grouping == 0;
      case 'b', 'o', 'x', 'X' -> grouping != ',';
      default -> true;
    };
  }

  private boolean isReal() {
    return "eEfFgGn%".indexOf(type) >= 0;
  }

  private boolean isInteger() {
    return precision < 0 && (type == 0 || "bdnoxX".indexOf(type) >= 0);
  }

  @Override
  public String apply(Object value) {
    return switch (value) {
      case String text -> padded("", shortened(text), '<');
      case Long number when type == 'c' -> padded("", Character.toString((int) (long) number), '<');
      case Long number when type == 0 || isInteger() -> integer(number);
      default -> real(((Number) value).doubleValue());
    };
  }

  private String shortened(String text) {
    return precision >= 0 && precision < text.codePointCount(0, text.length())
        ? text.substring(0, text.offsetByCodePoints(0, precision))
        : text;
  }

  private String integer(long value) {
    int radix =
        switch (type) {
          case 'b' -> 2;
          case 'o' -> 8;
          case 'x', 'X' -> 16;
          default -> 10;
        };
    String digits = Long.toUnsignedString(Math.abs(value), radix);
    String prefix = alternate && radix != 10 ? "0" + type : "";
    if (type == 'X') {
      digits = digits.toUpperCase(Locale.ROOT);
    }
    return number(value < 0, prefix, digits, "", radix == 10 ? 3 : 4);
  }

  private String real(double value) {
    BigDecimal exact = new BigDecimal(Math.abs(value));
    char letter = Character.toLowerCase(type);
    int digits = precision < 0 ? PythonFloat.DEFAULT_PRECISION : precision;
    String shown =
        switch (letter) {
          case 0 ->
              precision < 0
                  ? Repr.of(Math.abs(value))
                  : PythonFloat.withPrecisionAlone(exact, precision);
          case '%' ->
              // Python multiplies before it looks for digits.
              PythonFloat.text(new BigDecimal(Math.abs(value) * 100), 'f', digits, alternate) + "%";
          default -> PythonFloat.text(exact, letter == 'n' ? 'g' : letter, digits, alternate);
        };
    if (Character.isUpperCase(type)) {
      shown = shown.toUpperCase(Locale.ROOT);
    }
    int whole = 0;
    while (whole < shown.length() && Character.isDigit(shown.charAt(whole))) {
      whole++;
    }
    return number(
        Math.copySign(1, value) < 0, "", shown.substring(0, whole), shown.substring(whole), 3);
  }

  private String number(boolean negative, String prefix, String digits, String rest, int group) {
    String before = (negative ? "-" : sign == '-' ? "" : String.valueOf(sign)) + prefix;
    String whole = digits;
    if (grouping != 0) {
      boolean zeros = fill == '0' && align == '=';
      int least = zeros ? width - before.length() - rest.length() : 0;
      whole = grouped(digits, group);
      for (String more = "0" + digits; whole.length() < least; more = "0" + more) {
        whole = grouped(more, group);
      }
    }
    return padded(before, whole + rest, '>');
  }

  private String grouped(String digits, int group) {
    StringBuilder text = new StringBuilder(digits);
    for (int i = digits.length() - group; i > 0; i -= group) {
      text.insert(i, grouping);
    }
    return text.toString();
  }

  private String padded(String before, String text, char usual) {
    int missing = width - before.length() - text.codePointCount(0, text.length());
    if (missing <= 0) {
      return before + text;
    }
    String padding = Character.toString(fill);
    return switch (align == 0 ? usual : align) {
      case '<' -> before + text + padding.repeat(missing);
      case '^' ->
          padding.repeat(missing / 2) + before + text + padding.repeat(missing - missing / 2);
      case '=' -> before + padding.repeat(missing) + text;
      default -> padding.repeat(missing) + before + text;
    };
  }
}
