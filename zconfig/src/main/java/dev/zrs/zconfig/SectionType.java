package dev.zrs.zconfig;

import java.util.List;
import java.util.Optional;

/**
 * What a schema says of a section.
 *
 * @param name lower case
 * @param kind the group of types it belongs to; a {@link Slot} can name a group instead of a type
 * @param importedBy the package without whose {@code %import} the type is not known
 */
public record SectionType(
    String name,
    Optional<String> kind,
    Optional<String> importedBy,
    List<KeyType> keys,
    List<Slot> slots) {
  public SectionType {
    keys = List.copyOf(keys);
    slots = List.copyOf(slots);
  }

  /** A type of no group. */
  public static SectionType of(String name, List<KeyType> keys, Slot... slots) {
    return new SectionType(name, Optional.empty(), Optional.empty(), keys, List.of(slots));
  }

  /** This type as a member of a group. */
  public SectionType ofKind(String group) {
    return new SectionType(name, Optional.of(group), importedBy, keys, slots);
  }

  /** This type, known only after a package was imported. */
  public SectionType importedBy(String packageName) {
    return new SectionType(name, kind, Optional.of(packageName), keys, slots);
  }

  Optional<KeyType> key(String keyName) {
    return keys.stream().filter(key -> key.name().equals(keyName)).findFirst();
  }

  Optional<Slot> slotFor(SectionType inner) {
    return slots.stream()
        .filter(s -> s.accepts().equals(inner.name) || inner.kind.equals(Optional.of(s.accepts())))
        .findFirst();
  }

  /**
   * A place for inner sections.
   *
   * @param accepts a section type or a group of them
   * @param what how a message calls the missing thing, such as "a storage section"
   */
  public record Slot(String accepts, String what, int min, int max) {}
}
