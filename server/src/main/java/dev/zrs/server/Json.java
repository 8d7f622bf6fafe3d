package dev.zrs.server;

import java.util.Locale;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** Writes one JSON object. For one thread. */
final class Json {
  private final StringJoiner fields = new StringJoiner(",", "{", "}");

  Json put(String key, @Nullable String value) {
    return raw(key, value == null ? "null" : quote(value));
  }

  Json put(String key, long value) {
    return raw(key, Long.toString(value));
  }

  Json put(String key, boolean value) {
    return raw(key, Boolean.toString(value));
  }

  /** Adds a value that is JSON already. */
  Json raw(String key, String json) {
    fields.add(quote(key) + ":" + json);
    return this;
  }

  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ' || Character.isSurrogate(c) || c == 0x7f) {
        quoted.append("\\u").append(String.format(Locale.ROOT, "%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  @Override
  public String toString() {
    return fields.toString();
  }
}
