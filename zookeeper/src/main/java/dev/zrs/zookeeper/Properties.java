package dev.zrs.zookeeper;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What zc.zk keeps in a node: properties, as one object of JSON without white space. Data of any
 * other form has no properties here.
 */
final class Properties {
  private static final JsonFactory JSON = new JsonFactory();

  private Properties() {}

  /** Of a registered server. */
  static byte[] ofServer(long pid) {
    return "{\"pid\":%d}".formatted(pid).getBytes(StandardCharsets.US_ASCII);
  }

  /** Those whose value is a string; empty if the data are no properties. */
  static Map<String, String> strings(byte @Nullable [] data) {
    Map<String, String> found = new LinkedHashMap<>();
    if (data == null || data.length == 0) {
      return found;
    }
    try (JsonParser parser = JSON.createParser(data)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return Map.of();
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        if (parser.nextToken() == JsonToken.VALUE_STRING) {
          found.put(name, parser.getText());
        } else {
          parser.skipChildren();
        }
      }
      return found;
    } catch (IOException e) {
      // Whoever wrote them did not mean us.
      return Map.of();
    }
  }
}
