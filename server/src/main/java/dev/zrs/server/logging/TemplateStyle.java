package dev.zrs.server.logging;

import static dev.zrs.server.logging.FormatPart.bad;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Formats such as {@code $name} and <code>${name}</code>, which are Python's templates. */
final class TemplateStyle {
  private static final String NAME = "[_a-zA-Z][_a-zA-Z0-9]*";
  private static final Pattern REFERENCE =
      Pattern.compile("\\$(?:(?<escaped>\\$)|(?<named>" + NAME + ")|\\{(?<braced>" + NAME + ")})?");
  private static final FieldConversion AS_TEXT = new Conversion('s', "", 0, -1);

  private TemplateStyle() {}

  /**
   * The parts of a format.
   *
   * @param safe whether what is no field stays as it is instead of being refused
   */
  static List<FormatPart> parse(String format, boolean safe) {
    List<FormatPart> parts = new ArrayList<>();
    Matcher reference = REFERENCE.matcher(format);
    boolean fields = false;
    int done = 0;
    while (reference.find()) {
      parts.add(new FormatPart.Literal(format.substring(done, reference.start())));
      done = reference.end();
      String named = reference.group("named");
      String name = named == null ? reference.group("braced") : named;
      if (reference.group("escaped") != null) {
        parts.add(new FormatPart.Literal("$"));
      } else if (name == null ? safe : safe && RecordField.named(name).isEmpty()) {
        parts.add(new FormatPart.Literal(reference.group()));
      } else if (name == null) {
        throw bad(format, "has a '$' without a field name (write '$$' for a '$')");
      } else {
        parts.add(new FormatPart.Reference(FormatPart.field(name, format), AS_TEXT));
        fields = true;
      }
    }
    parts.add(new FormatPart.Literal(format.substring(done)));
    if (!fields && !safe) {
      throw bad(format, "names no field, such as $message");
    }
    return parts;
  }
}
