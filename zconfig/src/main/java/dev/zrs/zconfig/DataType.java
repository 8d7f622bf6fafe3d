package dev.zrs.zconfig;

/** Converts the text of a value. Stateless and safe for all threads. */
@FunctionalInterface
public interface DataType<T> {
  /**
   * The value that the text stands for.
   *
   * @throws BadValueException if the text is not of this type; the message names the text
   */
  T parse(String text);
}
