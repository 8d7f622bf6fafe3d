package dev.zrs.zconfig;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Keys of a configuration that a command line replaces: {@code SECTION/KEY=VALUE}, where a section
 * is named by its name or its type. What the file says of such a key does not count; of several
 * sections that fit, the first is meant.
 */
public final class Overrides {
  private final List<Replacement> replacements;

  private record Replacement(List<String> path, String value, String text) {
    Replacement inner() {
      return new Replacement(path.subList(1, path.size()), value, text);
    }

    String first() {
      return Text.lower(path.getFirst());
    }
  }

  /**
   * Reads what was typed.
   *
   * @throws ConfigException if one is not of the form above
   */
  public Overrides(List<String> texts) {
    replacements = texts.stream().map(Overrides::parse).toList();
  }

  private static Replacement parse(String text) {
    int equals = text.indexOf('=');
    if (equals < 0) {
      throw error(text, "it is not of the form SECTION/KEY=VALUE");
    }
    List<String> path = Arrays.asList(text.substring(0, equals).split("/", -1));
    if (path.contains("")) {
      throw error(text, "there is a name missing before the '='");
    }
    return new Replacement(path, text.substring(equals + 1), text);
  }

  private static ConfigException error(String text, String message) {
    return new ConfigException("-X " + text + ": " + message);
  }

  /**
   * The document with these keys.
   *
   * @throws ConfigException if a section is not there
   */
  public Document applyTo(Document document) {
    return replacements.isEmpty()
        ? document
        : new Document(replaced(document.root(), replacements), document.imports());
  }

  private static Section replaced(Section section, List<Replacement> all) {
    List<Replacement> own = all.stream().filter(one -> one.path().size() == 1).toList();
    Set<String> names = own.stream().map(Replacement::first).collect(Collectors.toSet());
    List<Key> keys = new ArrayList<>();
    section.keys().stream().filter(key -> !names.contains(key.name())).forEach(keys::add);
    for (Replacement one : own) {
      keys.add(new Key(one.first(), one.value(), new Location("-X " + one.text(), 0)));
    }
    List<Replacement> others = new ArrayList<>(all);
    others.removeAll(own);
    List<Section> sections = new ArrayList<>();
    for (Section inner : section.sections()) {
      List<Replacement> here = others.stream().filter(one -> isMeant(inner, one.first())).toList();
      others.removeAll(here);
      sections.add(
          here.isEmpty() ? inner : replaced(inner, here.stream().map(Replacement::inner).toList()));
    }
    if (!others.isEmpty()) {
      Replacement lost = others.getFirst();
      throw error(lost.text(), "there is no section " + lost.first());
    }
    return new Section(
        section.type(), section.name(), section.location(), section.imports(), keys, sections);
  }

  private static boolean isMeant(Section section, String name) {
    return section.type().equals(name) || section.name().filter(name::equals).isPresent();
  }
}
