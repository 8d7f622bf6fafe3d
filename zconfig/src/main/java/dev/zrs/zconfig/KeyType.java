package dev.zrs.zconfig;

import java.util.Optional;

/**
 * What a schema says of a key.
 *
 * @param name lower case
 * @param defaultText the value if the key is missing, as it would be written
 * @param multiple whether the key can stand more than once
 */
public record KeyType(
    String name,
    DataType<?> type,
    Optional<String> defaultText,
    boolean required,
    boolean multiple) {
  /** A key that can be left out and then has no value. */
  public static KeyType optional(String name, DataType<?> type) {
    return new KeyType(name, type, Optional.empty(), false, false);
  }

  /** A key that must be there. */
  public static KeyType required(String name, DataType<?> type) {
    return new KeyType(name, type, Optional.empty(), true, false);
  }

  /** A key with a default. */
  public static KeyType withDefault(String name, DataType<?> type, String defaultText) {
    return new KeyType(name, type, Optional.of(defaultText), false, false);
  }

  /** A key that must be there at least once. */
  public static KeyType oneOrMore(String name, DataType<?> type) {
    return new KeyType(name, type, Optional.empty(), true, true);
  }
}
