package dev.zrs.zconfig;

/**
 * A configuration that cannot be used. The message is one line of plain English that says where
 * (file and line, if it came from a file), what (key or section) and why; it can be shown to the
 * user as it is.
 */
public class ConfigException extends RuntimeException {
  /** An error without a place, such as a bad command line option. */
  public ConfigException(String message) {
    super(message);
  }

  /** An error at a place in a file. */
  public ConfigException(Location location, String message) {
    super(location + ": " + message);
  }

  /** An error at a place in a file, with the failure that is behind it. */
  public ConfigException(Location location, String message, Throwable cause) {
    super(location + ": " + message, cause);
  }
}
