package dev.zrs.server.config;

import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.Document;
import dev.zrs.zconfig.Key;
import dev.zrs.zconfig.Section;
import java.util.Map;

/** Refuses what the schema knows and only Python can do. */
final class NeedsPython {
  private static final String STORAGE = "it needs Python, which zrs does not run";

  private static final Map<String, String> SECTIONS =
      Map.of(
          "fullstorage", STORAGE,
          "minimalstorage", STORAGE,
          "zeoclient", STORAGE);

  private static final String PACKER = "packer";
  private static final String FORMATTER = "formatter";

  private NeedsPython() {}

  /** Refuses imports that are not known. */
  static void checkImports(Document document) {
    for (Document.Import imported : document.imports()) {
      String name = imported.packageName();
      if (!RunzeoSchema.IMPORTS.contains(name)) {
        throw new ConfigException(
            imported.location(),
            "%import "
                + name
                + " is not known: it needs Python (%import zc.zrs and zc.zlibstorage work)");
      }
    }
  }

  /** Refuses a section of these, except in the runner section, which is not for us. */
  static void check(CheckedSection section) {
    Section source = section.source();
    String reason = SECTIONS.get(source.type());
    if (reason != null) {
      throw section.error(reason);
    }
    for (Key key : source.keys()) {
      check(section, key);
    }
    section.sections().stream()
        .filter(inner -> !inner.type().name().equals("runner"))
        .forEach(NeedsPython::check);
  }

  private static void check(CheckedSection section, Key key) {
    boolean isStorage = section.type().name().equals("filestorage");
    if (key.name().equals(PACKER) && isStorage && !key.value().isEmpty()) {
      throw refused(section, key, "it names a function of Python; zrs has a pack of its own");
    }
    boolean isHandler = section.type().kind().filter(LogSchema.HANDLER::equals).isPresent();
    if (key.name().equals(FORMATTER) && isHandler && !key.value().equals("logging.Formatter")) {
      throw refused(section, key, "it names a class of Python; only logging.Formatter is known");
    }
  }

  private static ConfigException refused(CheckedSection section, Key key, String reason) {
    return section.error(key.name(), reason);
  }
}
