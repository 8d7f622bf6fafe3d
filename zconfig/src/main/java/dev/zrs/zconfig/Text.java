package dev.zrs.zconfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** White space and quoting. White space is what Python's {@code str.isspace} takes for it. */
final class Text {
  private static final int MAX_QUOTED = 120;

  private Text() {}

  static boolean isSpace(char c) {
    return (c >= '\t' && c <= '\r')
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || (c >= 0xa0 && Character.isSpaceChar(c));
  }

  static String strip(String text) {
    int start = 0;
    int end = text.length();
    while (start < end && isSpace(text.charAt(start))) {
      start++;
    }
    while (end > start && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(start, end);
  }

  /** The index of the first white space at or after {@code from}, or the length. */
  static int endOfWord(String text, int from) {
    int i = from;
    while (i < text.length() && !isSpace(text.charAt(i))) {
      i++;
    }
    return i;
  }

  static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    String rest = strip(text);
    while (!rest.isEmpty()) {
      int end = endOfWord(rest, 0);
      words.add(rest.substring(0, end));
      rest = strip(rest.substring(end));
    }
    return words;
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /** In quotes, on one line, and cut if it is very long: for messages. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("'");
    text.codePoints()
        .limit(MAX_QUOTED)
        .forEach(
            c -> {
              if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029) {
                quoted.append(String.format(Locale.ROOT, "\\u%04x", c));
              } else {
                quoted.appendCodePoint(c);
              }
            });
    if (text.codePointCount(0, text.length()) > MAX_QUOTED) {
      quoted.append("...");
    }
    return quoted.append("'").toString();
  }
}
