package dev.zrs.server.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.spi.Configurator;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.Location;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

@Timeout(60)
class PythonLoggingTest {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.StorageServer");

  @TempDir private Path directory;

  private LogFile file(String format, int level) {
    return LogFile.plain(
        directory.resolve("zeo.log").toString(),
        new LogLayout(PythonFormat.parse(format), "%Y", level),
        Optional.of(new Location("zeo.conf", 7)));
  }

  private static PythonLogging start(int level, LogFile... files) {
    return PythonLogging.start(Optional.of(new EventLog(level, List.of(files))));
  }

  private List<String> lines(String name) throws IOException {
    return Files.readAllLines(directory.resolve(name));
  }

  @Test
  void whatTheLibrariesForZooKeeperSayIsForDebugging() throws IOException {
    Logger library = LoggerFactory.getLogger("org.apache.zookeeper.ClientCnxn");
    try (PythonLogging _ = start(PythonLevel.INFO, file("%(message)s", 0))) {
      library.error("a", new IOException("refused"));
      LOG.info("b");
    }
    try (PythonLogging _ = start(PythonLevel.DEBUG, file("%(message)s", 0))) {
      library.info("c");
    }

    assertThat(lines("zeo.log")).containsExactly("b", "c");
  }

  @Test
  void eventsGoToTheFileWithPythonsNames() throws IOException {
    try (PythonLogging _ = start(1, file("%(levelno)s %(levelname)s %(name)s %(message)s", 0))) {
      LOG.trace("a {}", 1);
      LOG.debug("b");
      LOG.info("c");
      LOG.warn("d");
      LOG.error("e");
      LOG.error(PythonLevel.CRITICAL, "f");
      LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME).info("g");
    }

    assertThat(lines("zeo.log"))
        .containsExactly(
            "5 TRACE ZEO.StorageServer a 1",
            "10 DEBUG ZEO.StorageServer b",
            "20 INFO ZEO.StorageServer c",
            "30 WARNING ZEO.StorageServer d",
            "40 ERROR ZEO.StorageServer e",
            "50 CRITICAL ZEO.StorageServer f",
            "20 INFO root g");
  }

  @Test
  void theHigherLevelOfLogAndFileCounts() throws IOException {
    try (PythonLogging _ = start(15, file("%(message)s", 50))) {
      LOG.error("no");
      LOG.error(PythonLevel.CRITICAL, "critical");
    }
    try (PythonLogging _ = start(15, file("%(message)s", 5))) {
      LOG.debug("no");
      LOG.info("info");
    }

    assertThat(lines("zeo.log")).containsExactly("critical", "info");
  }

  @Test
  void anExceptionFollowsTheLine() throws IOException {
    try (PythonLogging _ = start(20, file("%(message)s", 0))) {
      LOG.error("it broke", new IOException("disk", new IllegalStateException("why")));
      LOG.info("next");
    }

    List<String> lines = lines("zeo.log");
    assertThat(lines).startsWith("it broke", "java.io.IOException: disk").endsWith("next");
    assertThat(lines).contains("Caused by: java.lang.IllegalStateException: why");
    assertThat(lines).doesNotContain("");
  }

  @Test
  void thePlaceOfTheCallIsKnown() throws IOException {
    try (PythonLogging _ =
        start(20, file("%(module)s %(filename)s %(funcName)s %(process)d %(threadName)s", 0))) {
      LOG.info("x");
    }

    assertThat(lines("zeo.log"))
        .containsExactly(
            "PythonLoggingTest PythonLoggingTest.java thePlaceOfTheCallIsKnown "
                + ProcessHandle.current().pid()
                + " "
                + Thread.currentThread().getName());
  }

  @Test
  void afterReopenEventsGoToTheNewFile() throws IOException {
    try (PythonLogging logging = start(20, file("%(message)s", 0))) {
      LOG.info("old");
      Files.move(directory.resolve("zeo.log"), directory.resolve("zeo.log.old"));
      LOG.info("still old");
      logging.reopen();
      LOG.info("new");
    }

    assertThat(lines("zeo.log.old")).containsExactly("old", "still old");
    assertThat(lines("zeo.log")).containsExactly("new");
  }

  @Test
  void aReopenThatFailsKeepsTheOldFile() throws IOException {
    try (PythonLogging logging = start(20, file("%(message)s", 0))) {
      Path moved = directory.resolve("zeo.log.old");
      Files.move(directory.resolve("zeo.log"), moved);
      Files.createDirectory(directory.resolve("zeo.log"));

      assertThatThrownBy(logging::reopen)
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith(
              "cannot open log files again: " + directory.resolve("zeo.log") + " (");
      LOG.info("kept");
      assertThat(lines("zeo.log.old")).containsExactly("kept");
    }
  }

  @Test
  void aFileThatCannotBeRotatedStillGetsTheEvents() throws IOException {
    LogFile config = file("%(message)s", 0);
    LogFile rotated =
        new LogFile(
            config.path(),
            config.layout(),
            10,
            Optional.empty(),
            1,
            UTF_8,
            false,
            config.location());
    Path obstacle = Files.createDirectories(directory.resolve("zeo.log.1/full"));
    try (PythonLogging _ = start(20, rotated)) {
      LOG.info("one two three");
      LOG.info("four five six");
    }

    assertThat(obstacle).exists();
    assertThat(lines("zeo.log")).containsExactly("one two three", "four five six");
  }

  private LogFile with(Charset encoding, boolean delay) {
    LogFile plain = file("%(message)s", 0);
    return new LogFile(
        plain.path(), plain.layout(), 0, Optional.empty(), 0, encoding, delay, plain.location());
  }

  @Test
  void aDelayedFileIsMadeWhenThereIsSomethingToWrite() throws IOException {
    try (PythonLogging logging = start(20, with(UTF_8, true))) {
      assertThat(directory).isEmptyDirectory();
      logging.reopen();
      assertThat(directory).isEmptyDirectory();
      LOG.info("old");
      Files.move(directory.resolve("zeo.log"), directory.resolve("zeo.log.old"));
      logging.reopen();
      assertThat(directory.resolve("zeo.log")).doesNotExist();
      LOG.info("new");
    }

    assertThat(lines("zeo.log.old")).containsExactly("old");
    assertThat(lines("zeo.log")).containsExactly("new");
  }

  @Test
  void whatAnEncodingLacksIsEscaped() throws IOException {
    String text = "\u00e9 \u20ac \ud83d\ude00 \ud800 x";
    for (String name : List.of("ascii", "latin-1", "UTF_8", "cp1252", "utf-16-le")) {
      Path file = directory.resolve("zeo.log");
      Files.deleteIfExists(file);
      Charset charset = LogEncoding.named(name);
      try (PythonLogging _ = start(20, with(charset, false))) {
        LOG.info(text);
      }
      assertThat(new String(Files.readAllBytes(file), charset))
          .isEqualTo(
              switch (name) {
                case "ascii" -> "\\u00e9 \\u20ac \\u1f600 \\ud800 x\n";
                case "latin-1" -> "\u00e9 \\u20ac \\u1f600 \\ud800 x\n";
                case "cp1252" -> "\u00e9 \u20ac \\u1f600 \\ud800 x\n";
                default -> "\u00e9 \u20ac \ud83d\ude00 \\ud800 x\n";
              });
    }
  }

  @Test
  void allHandlersGetWhatTheirLevelsLetThrough() throws IOException {
    LogFile all = file("%(message)s", 0);
    LogFile errors =
        LogFile.plain(
            directory.resolve("errors").toString(),
            new LogLayout(
                PythonFormat.parse(LogStyle.TEMPLATE, "$levelname $message"),
                "",
                PythonLevel.ERROR),
            Optional.empty());
    try (PythonLogging _ = start(20, all, errors)) {
      LOG.info("a");
      LOG.error("b");
    }

    assertThat(lines("zeo.log")).containsExactly("a", "b");
    assertThat(lines("errors")).containsExactly("ERROR b");
  }

  @Test
  void aFileThatCannotBeOpenedIsAnErrorWithItsPlace() throws IOException {
    Files.createDirectory(directory.resolve("zeo.log"));
    String path = directory.resolve("zeo.log").toString();

    assertThatThrownBy(() -> start(20, file("%(message)s", 0)))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "zeo.conf, line 7: path in <logfile>: cannot open the log file "
                + path
                + ": Is a directory");
  }

  @Test
  void withoutAnEventLogInfoGoesToStandardErrorAsInRunzeo() {
    PrintStream before = System.err;
    ByteArrayOutputStream captured = new ByteArrayOutputStream();
    System.setErr(new PrintStream(captured, true, UTF_8));
    try (PythonLogging _ = PythonLogging.start(Optional.empty())) {
      LOG.debug("no");
      LOG.info("listening");
    } finally {
      System.setErr(before);
    }

    assertThat(captured.toString(UTF_8))
        .matches(
            "------\n\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d INFO ZEO\\.StorageServer listening\n");
  }

  @Test
  void logbackFindsOurDefaultBeforeAnyFile() {
    assertThat(ServiceLoader.load(Configurator.class))
        .anySatisfy(found -> assertThat(found).isInstanceOf(LastResort.class));
  }

  @Test
  void anEventLogWithoutFilesDropsEverything() {
    try (PythonLogging _ = start(20)) {
      assertThat(LOG.isInfoEnabled()).isTrue();
      LOG.info("nowhere");
    }
    assertThat(directory).isEmptyDirectory();
  }
}
