package dev.zrs.zconfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A section while its lines are read. */
final class SectionBuilder {
  final String type;
  final List<Key> keys = new ArrayList<>();
  final List<Section> sections = new ArrayList<>();
  final Location location;
  private final Optional<String> name;
  private final Set<String> imports;

  SectionBuilder(String type, Optional<String> name, Location location, Set<String> imports) {
    this.type = type;
    this.name = name;
    this.location = location;
    this.imports = Set.copyOf(imports);
  }

  Section build() {
    return new Section(type, name, location, imports, keys, sections);
  }
}
