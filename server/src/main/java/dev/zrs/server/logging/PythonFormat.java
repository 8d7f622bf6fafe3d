package dev.zrs.server.logging;

import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.DataTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A format of Python's logging in the classic style, {@code %(name)-10s}. Immutable.
 *
 * <p>It is checked when it is made, so that formatting an event cannot fail.
 */
public final class PythonFormat {
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

  private static final int MAX_WIDTH = 1000;

  /** What a field's value is, which decides the conversions it can have. */
  enum Kind {
    TEXT("sra"),
    INTEGER("sradiuoxXeEfFgGc"),
    FLOAT("sradiueEfFgG");

    private final String conversions;

    Kind(String conversions) {
      this.conversions = conversions;
    }
  }

  private sealed interface Part {
    record Literal(String text) implements Part {}

    record Reference(RecordField field, Conversion conversion) implements Part {}
  }

  private final List<Part> parts;

  private PythonFormat(List<Part> parts) {
    this.parts = List.copyOf(parts);
  }

  /**
   * Checks and compiles a format; the empty one stands for {@code %(message)s}, as in Python.
   *
   * @throws BadValueException if Python would refuse it, or if it names a field that only Python
   *     has
   */
  public static PythonFormat parse(String format) {
    if (format.isEmpty()) {
      return parse("%(message)s");
    }
    List<Part> parts = new ArrayList<>();
    Matcher reference = REFERENCE.matcher(format);
    int done = 0;
    while (reference.find(done)) {
      parts.add(new Part.Literal(format.substring(done, reference.start())));
      parts.add(part(reference, format));
      done = reference.end();
    }
    parts.add(new Part.Literal(format.substring(done)));
    if (!SOME_FIELD.matcher(format).find()) {
      throw bad(format, "names no field, such as %(message)s");
    }
    return new PythonFormat(parts);
  }

  private static Part part(Matcher reference, String format) {
    String name = reference.group("name");
    String conversion = reference.group("conversion");
    if (conversion == null) {
      throw bad(format, "ends within a field");
    }
    if (reference.group().equals("%%")) {
      return new Part.Literal("%");
    }
    if (name == null) {
      throw bad(format, "has a '%' without a field name (write '%%' for a '%')");
    }
    RecordField field =
        RecordField.named(name)
            .orElseThrow(() -> bad(format, "names the unknown field " + DataTypes.quote(name)));
    if (field.kind.conversions.indexOf(conversion.charAt(0)) < 0) {
      throw bad(format, "cannot show " + name + " with '" + printable(conversion) + "'");
    }
    return new Part.Reference(
        field,
        new Conversion(
            conversion.charAt(0),
            reference.group("flags"),
            number(reference.group("width"), 0, format),
            number(reference.group("precision"), -1, format)));
  }

  private static String printable(String character) {
    return Character.isISOControl(character.charAt(0)) ? "?" : character;
  }

  private static int number(@Nullable String digits, int ifMissing, String format) {
    if (digits == null) {
      return ifMissing;
    }
    if (digits.equals("*")) {
      throw bad(format, "has a '*', which only works with positions");
    }
    if (digits.isEmpty()) {
      return 0;
    }
    if (digits.length() > 4 || Integer.parseInt(digits) > MAX_WIDTH) {
      throw bad(format, "has a width above " + MAX_WIDTH);
    }
    return Integer.parseInt(digits);
  }

  private static BadValueException bad(String format, String why) {
    return new BadValueException("the format " + DataTypes.quote(format) + " " + why);
  }

  /** The text, with each field's value (String, Long or Double, as its kind says) put in. */
  String format(Function<RecordField, Object> values) {
    StringBuilder text = new StringBuilder();
    for (Part part : parts) {
      switch (part) {
        case Part.Literal literal -> text.append(literal.text());
        case Part.Reference(RecordField field, Conversion conversion) ->
            text.append(conversion.apply(values.apply(field)));
      }
    }
    return text.toString();
  }
}
