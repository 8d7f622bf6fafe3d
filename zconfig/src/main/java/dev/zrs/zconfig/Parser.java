package dev.zrs.zconfig;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the lines of one file into an open section; a section must be closed where it began. */
final class Parser {
  private static final int MAX_DEPTH = 50;

  // A key ends at white space or a parenthesis; that a value may follow a parenthesis without
  // white space is a quirk of the language that files may rely on.
  private static final Pattern KEY = Pattern.compile("(?s)([^\\s()]+)\\s*(\\S.*)?", flags());
  private static final Pattern HEADER = Pattern.compile("([^\\s()]+)(?:\\s+([^\\s()]+))?", flags());
  private static final Pattern KEY_NAME = Pattern.compile("[a-zA-Z][-._a-zA-Z0-9]*");
  private static final Pattern SCHEME = Pattern.compile("([a-zA-Z][-+.a-zA-Z0-9]*):.*");

  private final Parse parse;
  private final String file;
  private final String text;
  private final int includeDepth;
  private final Deque<SectionBuilder> outer = new ArrayDeque<>();
  private int line;

  Parser(Parse parse, String file, String text, int includeDepth) {
    this.parse = parse;
    this.file = file;
    this.text = text;
    this.includeDepth = includeDepth;
  }

  private static int flags() {
    return Pattern.UNICODE_CHARACTER_CLASS;
  }

  void parse(SectionBuilder into) {
    SectionBuilder section = into;
    // Only a line feed ends a line; a carriage return before it goes with the white space.
    for (String raw : text.split("\n", -1)) {
      line++;
      String content = Text.strip(raw);
      if (content.isEmpty() || content.startsWith("#")) {
        continue;
      }
      if (content.startsWith("</")) {
        section = end(section, content);
      } else if (content.startsWith("<")) {
        section = start(section, content);
      } else if (content.startsWith("%")) {
        directive(section, content.substring(1));
      } else {
        section.keys.add(key(content));
      }
    }
    if (!outer.isEmpty()) {
      throw new ConfigException(
          section.location, "<" + section.type + "> is not closed with </" + section.type + ">");
    }
  }

  private SectionBuilder start(SectionBuilder parent, String content) {
    if (!content.endsWith(">")) {
      throw error("the section start " + Text.quote(content) + " does not end with '>'");
    }
    String inner = content.substring(1, content.length() - 1);
    boolean empty = inner.endsWith("/");
    if (empty) {
      inner = inner.substring(0, inner.length() - 1);
    }
    Matcher header = HEADER.matcher(stripEnd(inner));
    if (!header.matches()) {
      throw error(Text.quote(content) + " is not a section start such as <type> or <type name>");
    }
    if (outer.size() == MAX_DEPTH) {
      throw error("sections are nested deeper than " + MAX_DEPTH);
    }
    Optional<String> name = Optional.ofNullable(header.group(2)).map(Text::lower);
    SectionBuilder section =
        new SectionBuilder(
            Text.lower(header.group(1)), name, new Location(file, line), parse.imported());
    if (empty) {
      parent.sections.add(section.build());
      return parent;
    }
    outer.push(parent);
    return section;
  }

  private SectionBuilder end(SectionBuilder section, String content) {
    if (!content.endsWith(">")) {
      throw error("the section end " + Text.quote(content) + " does not end with '>'");
    }
    String type = Text.lower(stripEnd(content.substring(2, content.length() - 1)));
    if (outer.isEmpty()) {
      throw error("</" + type + "> closes a section that is not open here");
    }
    if (!type.equals(section.type)) {
      throw error(
          "</%s> stands where <%s> of line %d must be closed first"
              .formatted(type, section.type, section.location.line()));
    }
    SectionBuilder parent = outer.pop();
    parent.sections.add(section.build());
    return parent;
  }

  private Key key(String content) {
    Matcher matcher = KEY.matcher(content);
    if (!matcher.matches()) {
      throw error(Text.quote(content) + " is not a key, a section or a comment");
    }
    String name = matcher.group(1);
    if (!KEY_NAME.matcher(name).matches()) {
      throw error(
          Text.quote(name) + " is not a key: it needs a letter, then letters, digits, '-._'");
    }
    String value = Optional.ofNullable(matcher.group(2)).orElse("");
    return new Key(Text.lower(name), replace(name + ": ", value), new Location(file, line));
  }

  private void directive(SectionBuilder section, String content) {
    Matcher matcher = KEY.matcher(content);
    if (!matcher.matches()) {
      throw error("after '%' one of define, import, include must follow");
    }
    String name = matcher.group(1);
    String argument = matcher.group(2);
    if (!name.equals("define") && !name.equals("import") && !name.equals("include")) {
      throw error("%" + name + " is not one of %define, %import, %include");
    }
    if (argument == null) {
      throw error("%" + name + " needs an argument");
    }
    switch (name) {
      case "define" -> define(argument);
      case "import" ->
          parse.addImport(
              new Document.Import(replace("%import: ", argument), new Location(file, line)));
      default -> include(section, replace("%include: ", argument));
    }
  }

  private void define(String argument) {
    int end = Text.endOfWord(argument, 0);
    String name = Text.lower(argument.substring(0, end));
    String value = Text.strip(argument.substring(end));
    String old = parse.defines.get(name);
    // The old value after substitution is held against the new one before it, as ZConfig does.
    if (old != null && !old.equals(value)) {
      throw error("%define " + name + " gives another value than before");
    }
    if (!Substitution.isName(name)) {
      throw error(Text.quote(name) + " is not a name that %define can take");
    }
    parse.defines.put(name, replace("%define " + name + ": ", value));
  }

  private void include(SectionBuilder section, String reference) {
    Location location = new Location(file, line);
    if (includeDepth == MAX_DEPTH) {
      throw error("%include goes deeper than " + MAX_DEPTH + " files; does a file include itself?");
    }
    parse.countInclude(location);
    if (reference.contains("#")) {
      throw error("%include " + Text.quote(reference) + ": a '#' part is not supported");
    }
    String included;
    String includedText;
    try {
      Path path = Path.of(file).resolveSibling(path(reference));
      included = path.toString();
      includedText = ConfigReader.readFile(path);
    } catch (IOException | InvalidPathException e) {
      throw new ConfigException(
          location, "cannot include " + Text.quote(reference) + ": " + ConfigReader.reason(e), e);
    }
    new Parser(parse, included, includedText, includeDepth + 1).parse(section);
  }

  /** An include names its file by a URL reference, so it can have percent escapes. */
  private String path(String reference) {
    String path = reference;
    Matcher scheme = SCHEME.matcher(reference);
    if (scheme.matches()) {
      if (!scheme.group(1).equalsIgnoreCase("file")) {
        throw error("%include " + Text.quote(reference) + ": only files can be included");
      }
      path = reference.substring("file:".length()).replaceFirst("^//(?=/)", "");
    }
    ByteArrayOutputStream decoded = new ByteArrayOutputStream();
    byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      int high = bytes[i] == '%' && i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
      int low = high >= 0 ? Character.digit(bytes[i + 2], 16) : -1;
      if (low >= 0) {
        decoded.write(high << 4 | low);
        i += 2;
      } else {
        decoded.write(bytes[i]);
      }
    }
    return decoded.toString(StandardCharsets.UTF_8);
  }

  private String replace(String what, String value) {
    try {
      return parse.substitution.apply(value);
    } catch (BadValueException e) {
      throw error(what + e.reason());
    }
  }

  private static String stripEnd(String text) {
    return Text.strip("|" + text).substring(1);
  }

  private ConfigException error(String message) {
    return new ConfigException(new Location(file, line), message);
  }
}
