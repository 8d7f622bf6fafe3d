package dev.zrs.server.logging;

/** Makes text of a field's value. */
@FunctionalInterface
interface FieldConversion {
  /** The text of a String, Long or finite Double, as the field's kind says. */
  String apply(Object value);
}
