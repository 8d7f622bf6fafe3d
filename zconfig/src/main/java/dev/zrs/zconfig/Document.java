package dev.zrs.zconfig;

import java.util.List;

/**
 * A configuration with everything it includes, not yet held against a schema.
 *
 * @param root the top level: its keys and sections
 * @param imports all {@code %import} lines, in order
 */
public record Document(Section root, List<Import> imports) {
  public Document {
    imports = List.copyOf(imports);
  }

  /** One {@code %import} line. */
  public record Import(String packageName, Location location) {}
}
