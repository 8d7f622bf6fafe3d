package dev.zrs.server.config;

import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.Document;
import dev.zrs.zconfig.Key;
import dev.zrs.zconfig.Section;
import java.util.List;
import java.util.Set;

/**
 * What the schema knows but the server does not do yet. Who builds a feature deletes its row here;
 * schema and records have it already.
 */
final class NotBuilt {
  private static final Set<String> IMPORTS = Set.of("zc.zlibstorage", "ZEO");

  private static final Set<String> SECTIONS =
      Set.of(
          "demostorage",
          "fullstorage",
          "minimalstorage",
          "zeoclient",
          "zlibstorage",
          "serverzlibstorage",
          "syslog",
          "win32-eventlog",
          "http-logger",
          "email-notifier");

  private static final List<Row> KEYS =
      List.of(
          row("filestorage", "packer"),
          row("logfile", "when", ""),
          row("logfile", "interval", "0"),
          row("logfile", "formatter", "logging.Formatter"),
          row("logfile", "style", "classic"),
          row("logfile", "arbitrary-fields", "false", "no", "off"),
          row("logfile", "encoding", "utf-8", "utf8"),
          row("logfile", "delay", "false", "no", "off"));

  /** A key, with the values that ask for what the server does anyhow. */
  private record Row(String section, String key, List<String> harmless) {
    boolean refuses(Section in, Key written) {
      return in.type().equals(section)
          && written.name().equals(key)
          && harmless.stream().noneMatch(written.value()::equalsIgnoreCase);
    }
  }

  private NotBuilt() {}

  private static Row row(String section, String key, String... harmless) {
    return new Row(section, key, List.of(harmless));
  }

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
            imported.location(), "%import " + name + " is not known; %import zc.zrs is");
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
    for (Key key : source.keys()) {
      for (Row row : KEYS) {
        if (row.refuses(source, key)) {
          throw new ConfigException(key.location(), message(row, source.title()));
        }
      }
    }
    section.sections().stream()
        .filter(inner -> !inner.type().name().equals("runner"))
        .forEach(NotBuilt::check);
  }

  private static String message(Row row, String title) {
    String what = row.key() + " in " + title + " is known but not supported yet";
    return row.harmless().isEmpty() ? what : what + ", except '" + row.harmless().getFirst() + "'";
  }
}
