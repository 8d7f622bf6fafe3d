package dev.zrs.server.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.testkit.PythonPeer;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.DataTypes;
import dev.zrs.zconfig.Location;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Syslog daemons get the bytes that they get from Python. */
@Timeout(60)
class SyslogTest {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO");
  private static final String TEXT = "it's \u00e9\nand \u20ac";

  private Path directory = Path.of("");

  @BeforeEach
  void makeShortDirectory() throws IOException {
    directory = Files.createTempDirectory(Path.of("/tmp"), "zrs");
  }

  @AfterEach
  void remove() throws IOException {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  private static PythonLogging start(String address, SyslogFacility facility) {
    Syslog syslog =
        new Syslog(
            DataTypes.SOCKET_ADDRESS.parse(address),
            facility,
            new LogLayout(PythonFormat.parse(Syslog.DEFAULT_FORMAT), "", 0),
            Optional.of(new Location("zeo.conf", 9)));
    return PythonLogging.start(Optional.of(new EventLog(1, List.of(syslog))));
  }

  private static void logAllLevels() {
    LOG.trace(TEXT);
    LOG.debug(TEXT);
    LOG.info(TEXT);
    LOG.warn(TEXT);
    LOG.error(TEXT);
    LOG.error(PythonLevel.CRITICAL, TEXT);
  }

  @ParameterizedTest
  @CsvSource({
    "datagram,USER",
    "datagram,LOCAL7",
    "datagram,SECURITY",
    "stream,DAEMON",
    "udp,AUTHPRIV",
    "udp6,KERN"
  })
  void theBytesAreThoseOfPython(String kind, SyslogFacility facility) throws IOException {
    try (Daemon daemon = Daemon.start(kind, directory)) {
      PythonPeer.current()
          .run(
              SyslogTest.class,
              "syslog.py",
              daemon.pythonAddress(),
              facility.name().toLowerCase(Locale.ROOT));
      List<String> theirs = daemon.take(6);
      try (PythonLogging _ = start(daemon.address(), facility)) {
        logAllLevels();
        assertThat(daemon.take(6)).isEqualTo(theirs);
      }
      assertThat(theirs.getFirst()).endsWith(">ZEO " + TEXT + "\0");
    }
  }

  @ParameterizedTest
  @CsvSource({"datagram", "stream"})
  void aDaemonThatStartsLaterOrAgainIsFound(String kind) throws IOException {
    String path = directory.resolve("log").toString();
    ByteArrayOutputStream captured = new ByteArrayOutputStream();
    PrintStream before = System.err;
    System.setErr(new PrintStream(captured, true, UTF_8));
    try (PythonLogging _ = start(path, SyslogFacility.USER)) {
      LOG.info("lost");
      LOG.info("lost too");
      for (int i = 0; i < 2; i++) {
        try (Daemon daemon = Daemon.start(kind, directory)) {
          LOG.info("found");
          assertThat(daemon.take(1)).containsExactly("<14>ZEO found\0");
        }
      }
    } finally {
      System.setErr(before);
    }
    assertThat(captured.toString(UTF_8))
        .startsWith("cannot write the log " + path + ": there is no such socket\n")
        .doesNotContain("\tat ");
  }

  @Test
  void anUnknownHostIsAnErrorWithItsPlace() {
    assertThatThrownBy(() -> start("no-such-host.invalid:514", SyslogFacility.USER))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "zeo.conf, line 9: address in <syslog>: cannot log to no-such-host.invalid:514: "
                + "the host no-such-host.invalid is not known");
  }

  @Test
  void aPathThatIsTooLongIsAnErrorWithItsPlace() {
    String path = "/tmp/" + "x".repeat(110);
    assertThatThrownBy(() -> start(path, SyslogFacility.USER))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("zeo.conf, line 9: address in <syslog>")
        .hasMessageContaining("107 bytes");
    assertThat(new Address.Unix(path).text()).isEqualTo(path);
  }

  @Test
  void aDaemonThatTakesNothingDoesNotStopTheServer() throws IOException {
    PrintStream before = System.err;
    ByteArrayOutputStream captured = new ByteArrayOutputStream();
    System.setErr(new PrintStream(captured, true, UTF_8));
    try (Daemon daemon = Daemon.start("datagram", directory);
        PythonLogging _ = start(daemon.address(), SyslogFacility.USER)) {
      daemon.stopReading();
      for (int i = 0; i < 2000; i++) {
        LOG.info("message {} {}", i, "x".repeat(1000));
      }
    } finally {
      System.setErr(before);
    }
    assertThat(captured.toString(UTF_8)).contains("the daemon takes no more");
  }
}
