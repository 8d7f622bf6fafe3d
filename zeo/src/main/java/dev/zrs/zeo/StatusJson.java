package dev.zrs.zeo;

import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/** The answer to {@code ruok}: the status of all storages as JSON in ASCII, as Python writes it. */
final class StatusJson {
  private StatusJson() {}

  static byte[] of(Collection<StorageService> services) {
    StringBuilder json = new StringBuilder("{");
    for (StorageService service : services) {
      separate(json);
      string(json, service.name());
      json.append(": {");
      for (PyDict.Entry entry : service.status().entries()) {
        separate(json);
        string(json, entry.key().toString());
        json.append(": ");
        value(json, entry.value());
      }
      json.append('}');
    }
    return json.append('}').toString().getBytes(StandardCharsets.US_ASCII);
  }

  private static void separate(StringBuilder json) {
    if (json.charAt(json.length() - 1) != '{') {
      json.append(", ");
    }
  }

  private static void value(StringBuilder json, Object value) {
    switch (value) {
      case PyNone none -> json.append("null");
      case String text -> string(json, text);
      default -> json.append(value);
    }
  }

  private static void string(StringBuilder json, String text) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < 0x20 || c > 0x7e) {
        json.append("\\u%04x".formatted((int) c));
      } else {
        json.append(c);
      }
    }
    json.append('"');
  }
}
