package dev.zrs.zconfig;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One section with what stands in it, in the order of the file. Immutable.
 *
 * @param type lower case; empty for the whole file
 * @param name lower case, as ZConfig has it
 * @param location of the line that opens the section
 * @param imports the packages that {@code %import} lines before this section have named
 */
public record Section(
    String type,
    Optional<String> name,
    Location location,
    Set<String> imports,
    List<Key> keys,
    List<Section> sections) {
  public Section {
    imports = Set.copyOf(imports);
    keys = List.copyOf(keys);
    sections = List.copyOf(sections);
  }

  /** The section as its opening line shows it: {@code <type name>}. */
  public String title() {
    return name.map(n -> "<" + type + " " + n + ">").orElse("<" + type + ">");
  }
}
