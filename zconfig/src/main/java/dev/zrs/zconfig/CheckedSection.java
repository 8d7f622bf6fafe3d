package dev.zrs.zconfig;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A section that fits its type, with its values converted. Immutable. */
public final class CheckedSection {
  private final Section source;
  private final SectionType type;
  private final Map<String, List<?>> values;
  private final List<CheckedSection> sections;

  CheckedSection(
      Section source,
      SectionType type,
      Map<String, List<?>> values,
      List<CheckedSection> sections) {
    this.source = source;
    this.type = type;
    this.values = Map.copyOf(values);
    this.sections = List.copyOf(sections);
  }

  public SectionType type() {
    return type;
  }

  /** The section as it was written. */
  public Section source() {
    return source;
  }

  public Optional<String> name() {
    return source.name();
  }

  public Location location() {
    return source.location();
  }

  public List<CheckedSection> sections() {
    return sections;
  }

  /** The inner sections of a group. */
  public List<CheckedSection> ofKind(String kind) {
    return sections.stream().filter(s -> s.type.kind().equals(Optional.of(kind))).toList();
  }

  /** The inner section of a type that can be there once at most. */
  public Optional<CheckedSection> ofType(String typeName) {
    return sections.stream().filter(s -> s.type.name().equals(typeName)).findFirst();
  }

  /** The value of a key, its default, or nothing. For a multiple key, the first. */
  public <T> Optional<T> find(String key, Class<T> valueClass) {
    List<?> found = values.get(key);
    if (found == null) {
      throw new IllegalArgumentException("<" + type.name() + "> has no key " + key);
    }
    return found.stream().findFirst().map(valueClass::cast);
  }

  /** The value of a key that is required or has a default. */
  public <T> T get(String key, Class<T> valueClass) {
    return find(key, valueClass).orElseThrow();
  }

  /** Where a key stands if it was written, else where the section begins. */
  public Location location(String key) {
    return source.keys().stream()
        .filter(k -> k.name().equals(key))
        .findFirst()
        .map(Key::location)
        .orElse(location());
  }

  /** An error about a key: at its line if it was written, else at the section. */
  public ConfigException error(String key, String message) {
    return new ConfigException(location(key), key + " in " + source.title() + ": " + message);
  }

  /** An error about the section. */
  public ConfigException error(String message) {
    return new ConfigException(location(), source.title() + ": " + message);
  }
}
