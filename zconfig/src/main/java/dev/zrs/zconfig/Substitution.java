package dev.zrs.zconfig;

import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Replaces {@code $name} and <code>${name}</code> (from {@code %define}, in any case), {@code
 * $(NAME)} (environment, case kept) and {@code $$}. A replacement is not looked into again.
 */
final class Substitution {
  /** Definitions can double with each line; without a limit a short file fills the memory. */
  static final int MAX_VALUE_CHARS = 64 * 1024;

  private static final Pattern NAME = Pattern.compile("[a-zA-Z_][a-zA-Z0-9_]*");

  private final Map<String, String> defines;
  private final Function<String, @Nullable String> environment;

  Substitution(Map<String, String> defines, Function<String, @Nullable String> environment) {
    this.defines = defines;
    this.environment = environment;
  }

  static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  /** The text with all references replaced; throws {@link BadValueException}. */
  String apply(String text) {
    StringBuilder result = new StringBuilder();
    Matcher name = NAME.matcher(text);
    int done = 0;
    for (int i = text.indexOf('$'); i >= 0; i = text.indexOf('$', done)) {
      result.append(text, done, i);
      char next = i + 1 < text.length() ? text.charAt(i + 1) : '\0';
      if (next == '$') {
        result.append('$');
        done = i + 2;
        continue;
      }
      char close = next == '{' ? '}' : next == '(' ? ')' : '\0';
      int start = close == '\0' ? i + 1 : i + 2;
      if (!name.region(start, text.length()).lookingAt()) {
        throw new BadValueException(
            "a '$' in " + Text.quote(text) + " is not followed by a name (write '$$' for a '$')");
      }
      done = name.end();
      if (close != '\0') {
        if (done == text.length() || text.charAt(done) != close) {
          throw new BadValueException(
              "'$" + next + name.group() + "' in " + Text.quote(text) + " has no '" + close + "'");
        }
        done++;
      }
      result.append(replacement(name.group(), close == ')'));
      checkLength(result);
    }
    result.append(text, done, text.length());
    checkLength(result);
    return result.toString();
  }

  private String replacement(String name, boolean fromEnvironment) {
    if (fromEnvironment) {
      String value = environment.apply(name);
      if (value == null) {
        throw new BadValueException("the environment variable " + name + " is not set");
      }
      return value;
    }
    String value = defines.get(Text.lower(name));
    if (value == null) {
      throw new BadValueException("'$" + name + "' is not defined (use %define before it)");
    }
    return value;
  }

  private static void checkLength(CharSequence result) {
    if (result.length() > MAX_VALUE_CHARS) {
      throw new BadValueException("the value is longer than " + MAX_VALUE_CHARS + " characters");
    }
  }
}
