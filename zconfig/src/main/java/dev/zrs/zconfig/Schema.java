package dev.zrs.zconfig;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The section types of a configuration, and the check that a document fits them. Immutable. */
public final class Schema {
  private final SectionType root;
  private final Map<String, SectionType> types = new HashMap<>();

  /**
   * A schema.
   *
   * @param root the type of the whole file; its name is not used
   */
  public Schema(SectionType root, List<SectionType> types) {
    this.root = root;
    types.forEach(type -> this.types.put(type.name(), type));
  }

  /**
   * The document with its values converted and defaults filled in.
   *
   * @throws ConfigException for the first thing that does not fit
   */
  public CheckedSection check(Document document) {
    return check(document.root(), root);
  }

  private CheckedSection check(Section section, SectionType type) {
    Map<String, List<?>> values = values(section, type);
    Map<SectionType.Slot, List<Section>> filled = new HashMap<>();
    Set<String> names = new HashSet<>();
    List<CheckedSection> inner = new ArrayList<>();
    for (Section child : section.sections()) {
      SectionType childType = typeOf(child, section);
      SectionType.Slot slot =
          type.slotFor(childType)
              .orElseThrow(() -> error(child, child.title() + " cannot stand " + inside(section)));
      checkName(child, section, type, names);
      List<Section> sameSlot = filled.computeIfAbsent(slot, _ -> new ArrayList<>());
      if (sameSlot.size() == slot.max()) {
        throw error(
            child,
            child.title()
                + " is one too many: "
                + sameSlot.getFirst().title()
                + " is already in "
                + sameSlot.getFirst().location());
      }
      sameSlot.add(child);
      inner.add(check(child, childType));
    }
    for (SectionType.Slot slot : type.slots()) {
      if (filled.getOrDefault(slot, List.of()).size() < slot.min()) {
        throw section.type().isEmpty()
            ? new ConfigException(section.location().file() + ": there is no " + slot.what())
            : error(section, section.title() + " has no " + slot.what() + " in it");
      }
    }
    return new CheckedSection(section, type, values, inner);
  }

  private SectionType typeOf(Section section, Section parent) {
    SectionType type = types.get(section.type());
    if (type == null) {
      throw error(section, section.title() + " is not a known section " + inside(parent));
    }
    Optional<String> wanted = type.importedBy();
    if (wanted.isPresent() && !section.imports().contains(wanted.get())) {
      throw error(
          section, section.title() + " needs the line '%import " + wanted.get() + "' before it");
    }
    return type;
  }

  private static void checkName(
      Section child, Section parent, SectionType parentType, Set<String> names) {
    child
        .name()
        .ifPresent(
            name -> {
              if (name.equals("*") || name.equals("+")) {
                throw error(child, "'" + name + "' cannot be the name of a section");
              }
              if (parentType.key(name).isPresent()) {
                throw error(child, child.title() + " has the name of a key of its section");
              }
              if (!names.add(name)) {
                throw error(
                    child,
                    child.title()
                        + ": another section "
                        + inside(parent)
                        + " has the name "
                        + Text.quote(name));
              }
            });
  }

  private static Map<String, List<?>> values(Section section, SectionType type) {
    Map<String, List<Object>> values = new HashMap<>();
    Map<String, Key> written = new HashMap<>();
    for (Key key : section.keys()) {
      KeyType keyType =
          type.key(key.name())
              .orElseThrow(
                  () ->
                      new ConfigException(
                          key.location(), key.name() + " is not a known key " + inside(section)));
      Key before = written.put(key.name(), key);
      if (before != null && !keyType.multiple()) {
        throw new ConfigException(
            key.location(),
            key.name() + " " + inside(section) + " is already in " + before.location());
      }
      values
          .computeIfAbsent(key.name(), _ -> new ArrayList<>())
          .add(convert(key, keyType, section));
    }
    Map<String, List<?>> complete = new HashMap<>(values);
    for (KeyType keyType : type.keys()) {
      if (!complete.containsKey(keyType.name())) {
        if (keyType.required()) {
          throw error(section, section.title() + " has no " + keyType.name() + ", which it needs");
        }
        complete.put(
            keyType.name(), keyType.defaultText().map(keyType.type()::parse).stream().toList());
      }
    }
    return complete;
  }

  private static Object convert(Key key, KeyType type, Section section) {
    try {
      return type.type().parse(key.value());
    } catch (BadValueException e) {
      throw new ConfigException(
          key.location(), key.name() + " " + inside(section) + ": " + e.reason());
    }
  }

  private static String inside(Section section) {
    return section.type().isEmpty() ? "at the top level" : "in " + section.title();
  }

  private static ConfigException error(Section section, String message) {
    return new ConfigException(section.location(), message);
  }
}
