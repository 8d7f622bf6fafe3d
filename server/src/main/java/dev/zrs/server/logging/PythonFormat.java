package dev.zrs.server.logging;

import dev.zrs.zconfig.BadValueException;
import java.util.List;
import java.util.function.Function;

/**
 * A format of Python's logging. Immutable.
 *
 * <p>It is checked when it is made, so that formatting an event cannot fail.
 */
public final class PythonFormat {
  private final List<FormatPart> parts;

  private PythonFormat(List<FormatPart> parts) {
    this.parts = List.copyOf(parts);
  }

  /** A format in the classic style; see {@link #parse(LogStyle, String)}. */
  public static PythonFormat parse(String format) {
    return parse(LogStyle.CLASSIC, format);
  }

  /**
   * Checks and compiles a format; the empty one stands for the message, as in Python.
   *
   * @throws BadValueException if Python would refuse it, or if it names a field that only Python
   *     has
   */
  public static PythonFormat parse(LogStyle style, String format) {
    boolean none = format.isEmpty();
    return new PythonFormat(
        switch (style) {
          case CLASSIC -> PercentStyle.parse(none ? "%(message)s" : format);
          case FORMAT -> BraceStyle.parse(none ? "{message}" : format);
          case TEMPLATE -> TemplateStyle.parse(none ? "${message}" : format, false);
          case SAFE_TEMPLATE -> TemplateStyle.parse(none ? "${message}" : format, true);
        });
  }

  /** The text, with each field's value (String, Long or Double, as its kind says) put in. */
  String format(Function<RecordField, Object> values) {
    StringBuilder text = new StringBuilder();
    for (FormatPart part : parts) {
      switch (part) {
        case FormatPart.Literal literal -> text.append(literal.text());
        case FormatPart.Reference(RecordField field, FieldConversion conversion) ->
            text.append(conversion.apply(values.apply(field)));
      }
    }
    return text.toString();
  }
}
