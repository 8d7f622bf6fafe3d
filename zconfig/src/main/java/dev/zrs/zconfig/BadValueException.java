package dev.zrs.zconfig;

/**
 * A text that is not a value of its data type. Thrown by a {@link DataType}, which does not know
 * where the text came from: {@link Schema} adds file, line and key.
 */
public final class BadValueException extends ConfigException {
  private final String reason;

  public BadValueException(String reason) {
    super(reason);
    this.reason = reason;
  }

  /** What is wrong with the text; the same as the message. */
  public String reason() {
    return reason;
  }
}
