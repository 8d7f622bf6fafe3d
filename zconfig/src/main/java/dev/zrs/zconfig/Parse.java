package dev.zrs.zconfig;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What one reading of a configuration shares between its files. */
final class Parse {
  private static final int MAX_INCLUDES = 1000;

  final Map<String, String> defines = new HashMap<>();
  final List<Document.Import> imports = new ArrayList<>();
  final Substitution substitution;
  private final Set<String> imported = new LinkedHashSet<>();
  private int includes;

  Parse(Function<String, @Nullable String> environment) {
    substitution = new Substitution(defines, environment);
  }

  Set<String> imported() {
    return imported;
  }

  void addImport(Document.Import added) {
    imports.add(added);
    imported.add(added.packageName());
  }

  /** Files that include each other twice would otherwise be read 2^depth times. */
  void countInclude(Location location) {
    if (++includes > MAX_INCLUDES) {
      throw new ConfigException(location, "more than " + MAX_INCLUDES + " files are included");
    }
  }
}
