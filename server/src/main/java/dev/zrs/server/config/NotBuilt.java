package dev.zrs.server.config;

import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.Document;
import dev.zrs.zconfig.Section;
import java.util.Set;

/** What the schema knows but the server does not do yet. Who builds it takes it out here. */
final class NotBuilt {
  private static final Set<String> IMPORTS = Set.of("zc.zlibstorage");

  private static final Set<String> SECTIONS = Set.of("zlibstorage", "serverzlibstorage");

  private NotBuilt() {}

  /** Refuses imports that change nothing here or are not known at all. */
  static void checkImports(Document document) {
    for (Document.Import imported : document.imports()) {
      String name = imported.packageName();
      if (IMPORTS.contains(name)) {
        throw new ConfigException(
            imported.location(), "%import " + name + " is known but not supported yet");
      }
      if (!RunzeoSchema.IMPORTS.contains(name)) {
        throw new ConfigException(
            imported.location(),
            "%import " + name + " is not known: it needs Python (%import zc.zrs works)");
      }
    }
  }

  /** Refuses what stands in the table, except in the runner section, which is not for us. */
  static void check(CheckedSection section) {
    Section source = section.source();
    if (SECTIONS.contains(source.type())) {
      throw new ConfigException(
          source.location(), source.title() + " is known but not supported yet");
    }
    section.sections().stream()
        .filter(inner -> !inner.type().name().equals("runner"))
        .forEach(NotBuilt::check);
  }
}
