package dev.zrs.server.logging;

import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.DataTypes;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Locale;
import java.util.Set;

/** The encodings of log files, by Python's names. Any thread. */
public final class LogEncoding {
  // These begin with a mark, which in a file that is appended to would stand in the middle.
  private static final Set<String> MARKED =
      Set.of("utf-8-sig", "utf-16", "utf16", "utf-32", "utf32");

  private LogEncoding() {}

  /**
   * The encoding of a name.
   *
   * @throws BadValueException if there is none of this name
   */
  public static Charset named(String name) {
    String plain = name.toLowerCase(Locale.ROOT).replace('_', '-').replace(' ', '-');
    if (MARKED.contains(plain)) {
      throw new BadValueException(
          "the encoding " + DataTypes.quote(name) + " is not supported; take utf-8");
    }
    try {
      return switch (plain) {
        case "latin", "latin-1", "l1" -> StandardCharsets.ISO_8859_1;
        case "u8", "utf" -> StandardCharsets.UTF_8;
        case "utf-16-le" -> StandardCharsets.UTF_16LE;
        case "utf-16-be" -> StandardCharsets.UTF_16BE;
        default -> Charset.forName(plain);
      };
    } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
      throw unknown(name);
    }
  }

  private static BadValueException unknown(String name) {
    return new BadValueException("the encoding " + DataTypes.quote(name) + " is not known");
  }

  /** The bytes of a text; a character that the encoding lacks becomes an escape with its number. */
  static byte[] encode(String text, Charset encoding) {
    CharsetEncoder encoder =
        encoding
            .newEncoder()
            .onUnmappableCharacter(CodingErrorAction.REPORT)
            .onMalformedInput(CodingErrorAction.REPORT);
    try {
      ByteBuffer bytes = encoder.encode(CharBuffer.wrap(text));
      byte[] exact = new byte[bytes.remaining()];
      bytes.get(exact);
      return exact;
    } catch (CharacterCodingException e) {
      // The message matters more than the character.
      encoder.reset();
      StringBuilder escaped = new StringBuilder();
      text.codePoints()
          .forEach(
              c -> {
                String character = Character.toString(c);
                boolean plain = c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE;
                escaped.append(
                    plain && encoder.canEncode(character)
                        ? character
                        : String.format(Locale.ROOT, "\\u%04x", c));
              });
      return escaped.toString().getBytes(encoding);
    }
  }
}
