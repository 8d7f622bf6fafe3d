package dev.zrs.server.logging;

import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.DataTypes;
import org.jspecify.annotations.Nullable;

/** A piece of a log format. */
sealed interface FormatPart {
  /** Text that stays as it is. */
  record Literal(String text) implements FormatPart {}

  /** A field's value. */
  record Reference(RecordField field, FieldConversion conversion) implements FormatPart {}

  /** Far beyond what a line needs; without a limit a format could fill the memory. */
  int MAX_WIDTH = 1000;

  /** The field of this name. */
  static RecordField field(String name, String format) {
    return RecordField.named(name)
        .orElseThrow(() -> bad(format, "names the unknown field " + DataTypes.quote(name)));
  }

  /** A width or a precision. */
  static int number(@Nullable String digits, int ifMissing, String format) {
    if (digits == null) {
      return ifMissing;
    }
    if (digits.isEmpty()) {
      return 0;
    }
    if (digits.length() > 4 || Integer.parseInt(digits) > MAX_WIDTH) {
      throw bad(format, "has a width above " + MAX_WIDTH);
    }
    return Integer.parseInt(digits);
  }

  static BadValueException bad(String format, String why) {
    return new BadValueException("the format " + DataTypes.quote(format) + " " + why);
  }
}
