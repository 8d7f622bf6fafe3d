package dev.zrs.storage;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;

/** Data records as ZODB makes them, for tests that need no Python to make them. */
final class Pickles {
  private static final String MAPPING = "cpersistent.mapping\nPersistentMapping\n";
  private static final String BLOB = "cZODB.blob\nBlob\n";

  private static final Map<Integer, byte[]> CONTENTS = new ConcurrentHashMap<>();

  private Pickles() {}

  /**
   * A PersistentMapping.
   *
   * @param size how many bytes it holds besides its references; they are always the same
   */
  static byte[] mapping(int size, Oid... references) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    text(out, "\u0080\u0003" + MAPPING + ".\u0080\u0003}U\u0004data}(");
    for (int i = 0; i < references.length; i++) {
      text(out, "U\u0001" + (char) ('a' + i) + "(C\u0008");
      out.writeBytes(references[i].toBytes());
      text(out, MAPPING + "tQ");
    }
    byte[] content = bytes(size);
    text(out, "U\u0005bytesB");
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      out.write(size >> shift);
    }
    out.writeBytes(content);
    text(out, "us.");
    return out.toByteArray();
  }

  /** The record of a blob; always the same, as the content is a file. */
  static byte[] blob() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    text(out, "\u0080\u0003" + BLOB + ".\u0080\u0003N.");
    return out.toByteArray();
  }

  /** So many bytes without a pattern. */
  static byte[] bytes(int size) {
    return CONTENTS
        .computeIfAbsent(
            size,
            length -> {
              byte[] bytes = new byte[length];
              new Random(length).nextBytes(bytes);
              return bytes;
            })
        .clone();
  }

  private static void text(ByteArrayOutputStream out, String text) {
    out.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
  }
}
