package dev.zrs.server.logging;

import static dev.zrs.server.logging.FormatPart.bad;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Formats such as {@code %(name)-10s}, which are for Python's {@code %} operator. */
final class PercentStyle {
  private static final Pattern REFERENCE =
      Pattern.compile(
          "%(?:\\((?<name>[^()]*)\\))?(?<flags>[-#0 +]*)(?<width>\\d+|\\*)?"
              + "(?:\\.(?<precision>\\d*|\\*))?[hlL]?(?<conversion>.)?",
          Pattern.DOTALL);

  // What Python looks for to tell a format of this style from others. It is blind to some forms
  // that formatting itself takes, and a format with no other fields is refused for that.
  private static final Pattern SOME_FIELD =
      Pattern.compile(
          "%\\(\\w+\\)[#0+ -]*(\\*|\\d+)?(\\.(\\*|\\d+))?[diouxefgcrsa%]",
          Pattern.CASE_INSENSITIVE);

  private PercentStyle() {}

  static List<FormatPart> parse(String format) {
    List<FormatPart> parts = new ArrayList<>();
    Matcher reference = REFERENCE.matcher(format);
    int done = 0;
    while (reference.find(done)) {
      parts.add(new FormatPart.Literal(format.substring(done, reference.start())));
      parts.add(part(reference, format));
      done = reference.end();
    }
    parts.add(new FormatPart.Literal(format.substring(done)));
    if (!SOME_FIELD.matcher(format).find()) {
      throw bad(format, "names no field, such as %(message)s");
    }
    return parts;
  }

  private static FormatPart part(Matcher reference, String format) {
    String name = reference.group("name");
    String conversion = reference.group("conversion");
    if (conversion == null) {
      throw bad(format, "ends within a field");
    }
    if (reference.group().equals("%%")) {
      return new FormatPart.Literal("%");
    }
    if (name == null) {
      throw bad(format, "has a '%' without a field name (write '%%' for a '%')");
    }
    RecordField field = FormatPart.field(name, format);
    if (!field.kind.takes(conversion.charAt(0))) {
      throw bad(format, "cannot show " + name + " with '" + printable(conversion) + "'");
    }
    if (reference.group().contains("*")) {
      throw bad(format, "has a '*', which only works with positions");
    }
    return new FormatPart.Reference(
        field,
        new Conversion(
            conversion.charAt(0),
            reference.group("flags"),
            FormatPart.number(reference.group("width"), 0, format),
            FormatPart.number(reference.group("precision"), -1, format)));
  }

  private static String printable(String character) {
    return Character.isISOControl(character.charAt(0)) ? "?" : character;
  }
}
