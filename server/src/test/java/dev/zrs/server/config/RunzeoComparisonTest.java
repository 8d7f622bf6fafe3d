package dev.zrs.server.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.server.logging.EventLog;
import dev.zrs.server.logging.LogFile;
import dev.zrs.server.logging.LogHandler;
import dev.zrs.server.logging.Syslog;
import dev.zrs.testkit.PythonPeer;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same files are taken by ZConfig with runzeo's schema and by us, with the same values, or both
 * refuse them. In the files ';' stands for a line end.
 */
@Timeout(120)
class RunzeoComparisonTest {
  private static final String STORAGE = ";<filestorage>;path Data.fs;</filestorage>;";
  private static final String ZEO = "<zeo>;address 8100;</zeo>";

  private static final List<String> FILES =
      List.of(
          ZEO + STORAGE,
          "<ZEO>;Address LocalHost:8100;READ-ONLY yes;invalidation-queue-size 1_000;</zeo>"
              + STORAGE,
          "<zeo>;address /run/zeo;</zeo>" + STORAGE,
          "<zeo>;address [::1]:8100;</zeo>" + STORAGE,
          "<zeo>;address localhost;</zeo>" + STORAGE,
          "<zeo>;</zeo>" + STORAGE,
          "<zeo>;address 1;read-only 2;</zeo>" + STORAGE,
          "<zeo x>;address 1;</zeo>" + STORAGE,
          ZEO + STORAGE + ZEO,
          ZEO,
          STORAGE,
          "%define port 8100;%define dir $port/d;<zeo>;address ${port};</zeo>"
              + "<filestorage Main>;path $(HOME)$$x;</filestorage>",
          "%define port 8100;<zeo>;address $Port;</zeo>" + STORAGE,
          "<zeo>;address $port;</zeo>" + STORAGE,
          "<zeo>;address $(NO_SUCH_VARIABLE_1);</zeo>" + STORAGE,
          "%include zeo.inc" + STORAGE,
          "%include ./zeo.inc;%include zeo%2Einc" + STORAGE,
          "%define name zeo;%include $name.inc" + STORAGE,
          "%include sub/both.inc",
          "%include none.inc" + STORAGE,
          "%include zeo.inc#part" + STORAGE,
          "%include" + STORAGE,
          "<zeo>;%include address.inc;</zeo>" + STORAGE,
          "<zeo>;%include open.inc" + STORAGE,
          "%include defines.inc;<zeo>;address $port;</zeo>" + STORAGE,
          "%define port 9;%include uses.inc" + STORAGE,
          "%define port 9;%include defines.inc" + STORAGE,
          "%include itself.inc",
          ZEO + "<filestorage 1>;path a;</filestorage>;<filestorage A>;path b;</filestorage>",
          ZEO + "<filestorage 1>;path a;</filestorage>;<filestorage 1>;path b;</filestorage>",
          ZEO + "<filestorage>;</filestorage>",
          ZEO + "<filestorage>;path a;quota 5MB;pack-gc no;pack-keep-old off;</filestorage>",
          ZEO + "<filestorage>;path a;quota 5TB;</filestorage>",
          ZEO + "<filestorage>;path /no/such/Data.fs;</filestorage>",
          ZEO + STORAGE + "<logger>;name a;</logger>",
          ZEO + STORAGE + "<zodb/>",
          ZEO + STORAGE + "<runner>;program a b;</runner>",
          ZEO + STORAGE + "<runner>;program a;umask 9;</runner>",
          "%import ZODB;%import zdaemon;%import ZConfig.components.logger;" + ZEO + STORAGE,
          "%import no.such.package;" + ZEO + STORAGE,
          "%import ZEO;" + ZEO + STORAGE,
          log(""),
          log("level 17"),
          log("level FATAL"),
          log("level 51"),
          log("level -1"),
          log("level loud"),
          log("<logfile>;path STDERR;</logfile>"),
          log("<logfile>;path STDERR;level 0;format x %(message)s;</logfile>;<syslog/>"),
          log("<logfile>;path STDERR;max-size 1;</logfile>"),
          log("<logfile>;path STDOUT;delay true;</logfile>"),
          log("<logfile>;path STDOUT;encoding utf-8;</logfile>"),
          log("<logfile>;path STDOUT;interval 3;</logfile>"),
          log("<logfile>;path a;max-size 1MB;</logfile>"),
          log("<logfile>;path a;max-size 1MB;old-files 2;</logfile>"),
          log("<logfile>;path a;max-size 1MB;old-files 2;interval 3;</logfile>"),
          log("<logfile>;path a;old-files 2;</logfile>"),
          log("<logfile>;path a;interval 2;</logfile>"),
          log("<logfile>;path a;interval 2;old-files 2;</logfile>"),
          log("<logfile>;path a;when D;</logfile>"),
          log("<logfile>;path a;when midnight;old-files 2;</logfile>"),
          log("<logfile>;path a;when W3;interval 2;old-files 2;delay yes;</logfile>"),
          log("<logfile>;path a;when D;max-size 1;old-files 2;</logfile>"),
          log("<logfile>;path a;style format;format {message};</logfile>"),
          log("<logfile>;path a;style Template;format $message;</logfile>"),
          log("<logfile>;path a;style safe-template;format $$other;</logfile>"),
          log("<logfile>;path a;style percent;</logfile>"),
          log("<logfile>;path a;style format;format %(message)s;</logfile>"),
          log("<logfile>;path a;format {message};</logfile>"),
          log("<logfile>;path a;formatter logging.Formatter;dateformat %H\\n;</logfile>"),
          log("<logfile>;path a;level loud;</logfile>"),
          log("<logfile>;</logfile>"),
          log("<syslog>;address /dev/log;facility LOCAL0;level error;</syslog>"),
          log("<syslog>;facility console;</syslog>"),
          log("<syslog>;style format;format {name};</syslog>"),
          log("<syslog>;path /dev/log;</syslog>"));

  private static final Map<String, String> INCLUDED =
      Map.of(
          "zeo.inc", ZEO,
          "sub/both.inc", "%include ../zeo.inc" + STORAGE,
          "address.inc", "address 8101",
          "open.inc", "address 8101;</zeo>",
          "defines.inc", "%define port 8102",
          "uses.inc", "<zeo>;address $port;</zeo>",
          "itself.inc", ZEO + ";%include itself.inc");

  @TempDir private Path directory;

  private static String log(String lines) {
    return ZEO + STORAGE + "<eventlog>;" + lines + ";</eventlog>";
  }

  @Test
  void theSameFilesAreTakenWithTheSameValues() throws IOException {
    Files.createDirectory(directory.resolve("sub"));
    for (Map.Entry<String, String> file : INCLUDED.entrySet()) {
      write(file.getKey(), file.getValue());
    }
    List<String> names = new ArrayList<>();
    for (String text : FILES) {
      String name = "%03d.conf".formatted(names.size());
      write(name, text);
      names.add(name);
    }
    byte[] output =
        PythonPeer.current().run(RunzeoComparisonTest.class, "load.py", directory.toString());
    List<String> theirs = new String(output, UTF_8).lines().toList();
    List<String> ours = names.stream().map(name -> name + " " + shown(name)).toList();

    assertThat(withTexts(ours)).isEqualTo(withTexts(theirs));
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(directory.resolve(name), text.replace(';', '\n') + "\n");
  }

  private static String withTexts(List<String> results) {
    assertThat(results).hasSameSizeAs(FILES);
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < FILES.size(); i++) {
      all.append(FILES.get(i)).append(" -> ").append(results.get(i)).append('\n');
    }
    return all.toString();
  }

  private String shown(String name) {
    try {
      return shown(
          ServerConfig.load(
              Optional.of(directory.resolve(name)), CommandLine.NONE, System.getenv()));
    } catch (ConfigException e) {
      assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
      return "-";
    }
  }

  private static String shown(ServerConfig config) {
    List<String> parts = new ArrayList<>();
    Address address = config.zeo().address();
    parts.add(
        address instanceof Address.Inet inet
            ? inet.host() + ":" + inet.port().orElse(0)
            : address.text());
    parts.add(config.zeo().readOnly() ? "True" : "False");
    parts.add(Integer.toString(config.zeo().invalidationQueueSize()));
    for (NamedStorage storage : config.storages()) {
      parts.add(storage.name() + "=" + ((FileStorageConfig) storage.storage()).path());
    }
    config.eventlog().ifPresent(log -> show(log, parts));
    return String.join("|", parts);
  }

  private static void show(EventLog log, List<String> parts) {
    parts.add("level " + log.level());
    for (LogHandler handler : log.handlers()) {
      String name =
          switch (handler) {
            case LogFile file -> file.path();
            case Syslog syslog -> syslog.getClass().getSimpleName().toLowerCase(Locale.ROOT);
          };
      parts.add(name + " " + handler.layout().level());
    }
  }
}
