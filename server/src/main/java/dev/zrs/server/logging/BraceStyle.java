package dev.zrs.server.logging;

import static dev.zrs.server.logging.FormatPart.bad;

import dev.zrs.server.logging.RecordField.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Formats such as <code>{name:<10}</code>, which are for Python's {@code str.format}. Attributes
 * and elements of a value (<code>{name.upper}</code>), and fields within a format specification,
 * are refused: no field has any that a log could want.
 */
final class BraceStyle {
  private static final Pattern FIELD =
      Pattern.compile(
          "(?<name>[^{}!:]*)(?:!(?<conversion>[^{}:]*))?(?::(?<specification>[^{}]*))?");

  private BraceStyle() {}

  static List<FormatPart> parse(String format) {
    List<FormatPart> parts = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    boolean fields = false;
    int at = 0;
    while (at < format.length()) {
      char c = format.charAt(at);
      boolean doubled = at + 1 < format.length() && format.charAt(at + 1) == c;
      if (c != '{' && c != '}') {
        literal.append(c);
        at++;
      } else if (doubled) {
        literal.append(c);
        at += 2;
      } else if (c == '}') {
        throw bad(format, "has a '}' without a '{' (write '}}' for a '}')");
      } else {
        parts.add(new FormatPart.Literal(literal.toString()));
        literal.setLength(0);
        Matcher field = FIELD.matcher(format).region(at + 1, format.length());
        if (!field.lookingAt() || field.end() == format.length()) {
          throw bad(format, "ends within a field");
        }
        if (format.charAt(field.end()) != '}') {
          throw bad(format, "has a '{' within a field");
        }
        parts.add(reference(field, format));
        fields = true;
        at = field.end() + 1;
      }
    }
    parts.add(new FormatPart.Literal(literal.toString()));
    if (!fields) {
      throw bad(format, "names no field, such as {message}");
    }
    return parts;
  }

  private static FormatPart reference(Matcher reference, String format) {
    String name = reference.group("name");
    if (name.isEmpty() || Character.isDigit(name.charAt(0))) {
      throw bad(format, "has a field without a name");
    }
    RecordField field = FormatPart.field(name, format);
    @Nullable String conversion = reference.group("conversion");
    @Nullable String text = reference.group("specification");
    if (conversion == null) {
      return new FormatPart.Reference(
          field, BraceSpecification.parse(text == null ? "" : text, field.kind, format));
    }
    if (!conversion.matches("[rsa]")) {
      throw bad(format, "has a '!' that no r, s or a follows");
    }
    FieldConversion first = new Conversion(conversion.charAt(0), "", 0, -1);
    FieldConversion then = BraceSpecification.parse(text == null ? "" : text, Kind.TEXT, format);
    return new FormatPart.Reference(field, value -> then.apply(first.apply(value)));
  }
}
