package dev.zrs.storage;

/**
 * Text of a client, or of a data record, as it may stand in a line of the log or on a terminal: no
 * line of its own, and no megabytes. Any thread may call.
 */
public final class Printable {
  private static final int MAX_LENGTH = 500;

  private Printable() {}

  /** The text with a question mark for each control character, cut where it is too long. */
  public static String of(String text) {
    boolean cut = text.length() > MAX_LENGTH;
    StringBuilder line = new StringBuilder(cut ? text.substring(0, MAX_LENGTH) : text);
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      // Unpaired surrogates, too: no encoding has them.
      if (Character.isISOControl(c) || c == '\u2028' || c == '\u2029' || isAlone(line, i)) {
        line.setCharAt(i, '?');
      }
    }
    return cut ? line.append("...").toString() : line.toString();
  }

  private static boolean isAlone(CharSequence text, int index) {
    char c = text.charAt(index);
    if (Character.isHighSurrogate(c)) {
      return index + 1 == text.length() || !Character.isLowSurrogate(text.charAt(index + 1));
    }
    return Character.isLowSurrogate(c)
        && (index == 0 || !Character.isHighSurrogate(text.charAt(index - 1)));
  }
}
