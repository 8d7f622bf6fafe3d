package dev.zrs.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;

/** Inputs of tests that lie as a resource, one in hexadecimal digits on each line. */
public final class HexLines {
  private HexLines() {}

  /**
   * The inputs of a resource beside a class.
   *
   * @throws AssertionError if there is no such resource, or it is empty
   */
  public static List<byte[]> of(Class<?> owner, String resource) {
    try (InputStream in = owner.getResourceAsStream(resource)) {
      List<byte[]> inputs =
          in == null
              ? List.of()
              : new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                  .lines()
                  .map(HexFormat.of()::parseHex)
                  .toList();
      if (inputs.isEmpty()) {
        throw new AssertionError("no inputs in " + resource + " beside " + owner.getName());
      }
      return inputs;
    } catch (IOException e) {
      throw new UncheckedIOException("can't read " + resource, e);
    }
  }
}
