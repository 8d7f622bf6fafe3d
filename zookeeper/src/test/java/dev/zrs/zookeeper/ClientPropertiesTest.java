package dev.zrs.zookeeper;

import static dev.zrs.zookeeper.TestNetwork.LIMIT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.zrs.testkit.Logged;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.curator.test.InstanceSpec;
import org.apache.zookeeper.server.quorum.QuorumPeerMain;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** ZooKeeper's own client properties: TLS to a server that demands a certificate; bad files. */
@Timeout(240)
final class ClientPropertiesTest {
  private static final String PASSWORD = "password";
  private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin");
  private static final ServerAddress ADDRESS = new ServerAddress("localhost", 8101);

  @TempDir private Path directory = Path.of("unset");

  private void run(String... command) throws IOException, InterruptedException {
    Path output = directory.resolve("output.txt");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(output)).isZero();
  }

  private void keytool(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of(JAVA.resolve("keytool").toString(), "-J-XX:TieredStopAtLevel=1"));
    command.addAll(List.of(arguments));
    command.addAll(List.of("-storepass", PASSWORD));
    run(command.toArray(String[]::new));
  }

  /** A key with a certificate of its own. */
  private void makeKey(String name) throws IOException, InterruptedException {
    keytool(
        ("-genkeypair -keyalg EC -alias %1$s -keystore %1$s.p12 -dname CN=%1$s"
                + " -ext san=dns:localhost,ip:127.0.0.1")
            .formatted(name)
            .split(" "));
  }

  private void trust(String name) throws IOException, InterruptedException {
    keytool("-exportcert -alias %1$s -keystore %1$s.p12 -file %1$s.crt".formatted(name).split(" "));
    keytool(
        "-importcert -noprompt -alias %1$s -file %1$s.crt -keystore trusted.p12"
            .formatted(name)
            .split(" "));
  }

  private String stores(String prefix, String keys, String trusted) {
    return """
    %1$s.keyStore.location=%2$s
    %1$s.keyStore.password=%4$s
    %1$s.trustStore.location=%3$s
    %1$s.trustStore.password=%4$s
    """
        .formatted(prefix, directory.resolve(keys), directory.resolve(trusted), PASSWORD);
  }

  private Path client(String keys, String trusted) throws IOException {
    return Files.writeString(
        directory.resolve(keys + "-" + trusted + ".properties"),
        """
        zookeeper.client.secure=true
        zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty
        """
            + stores("zookeeper.ssl", keys, trusted));
  }

  private Process server(int port) throws IOException {
    Path configuration =
        Files.writeString(
            directory.resolve("server.cfg"),
            """
            tickTime=1000
            dataDir=%s
            secureClientPort=%d
            secureClientPortAddress=127.0.0.1
            serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
            admin.enableServer=false
            ssl.clientAuth=need
            """
                    .formatted(directory.resolve("data"), port)
                + stores("ssl", "known.p12", "trusted.p12"));
    return new ProcessBuilder(
            JAVA.resolve("java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            QuorumPeerMain.class.getName(),
            configuration.toString())
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("server.log").toFile())
        .start();
  }

  private static boolean accepts(int port) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void tls_is_spoken_with_a_server_that_wants_a_certificate() throws Exception {
    makeKey("known");
    trust("known");
    makeKey("stranger");
    int port = InstanceSpec.getRandomPort();
    String connectionString = "127.0.0.1:" + port;
    Process server = server(port);
    try {
      await()
          .atMost(LIMIT)
          .failFast(
              () ->
                  assertThat(server.isAlive())
                      .as(Files.readString(directory.resolve("server.log")))
                      .isTrue())
          .until(() -> accepts(port));
      ZooKeeperOptions known =
          ZooKeeperOptions.of(connectionString)
              .withClientProperties(client("known.p12", "trusted.p12"));
      ZooKeeperOptions unknown =
          ZooKeeperOptions.of(connectionString)
              .withClientProperties(client("stranger.p12", "trusted.p12"));
      try (Logged logged = new Logged("zc.zk");
          ZooKeeperConnection refused = ZooKeeperConnection.open(unknown, InstantSource.system());
          Registration failing = Registration.start(refused, "/providers", ADDRESS, true)) {
        await()
            .atMost(LIMIT)
            .until(() -> failing.problem().orElse("").contains("can't be reached"));
        assertThat(logged.warnings("can't be reached")).hasSize(1);
        assertThat(logged.warnings())
            .allSatisfy(event -> assertThat(event.getThrowableProxy()).isNull());
      }
      try (ZooKeeperConnection connection =
              ZooKeeperConnection.open(known, InstantSource.system());
          Registration registration = Registration.start(connection, "/providers", ADDRESS, true);
          Discovery discovery = Discovery.start(connection, "/providers", () -> {})) {
        await().atMost(LIMIT).until(() -> discovery.addresses().equals(List.of(ADDRESS)));
        assertThat(registration.problem()).isEmpty();
      }
    } finally {
      server.destroy();
      assertThat(server.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
    TestNetwork.awaitNoThreads();
  }

  @Test
  void a_file_that_is_missing_or_bad_is_named() throws Exception {
    Path missing = directory.resolve("missing.properties");
    Path bad = Files.writeString(directory.resolve("bad.properties"), "a=\\uXYZ1\n");
    assertThatThrownBy(() -> open(missing))
        .hasMessage("there is no file " + missing + " with client properties");
    assertThatThrownBy(() -> open(bad))
        .hasMessage("the client properties " + bad + " can't be read: Malformed \\uxxxx encoding.");
    assertThatThrownBy(() -> open(directory))
        .hasMessage("the client properties " + directory + " can't be read: Is a directory");
  }

  @Test
  void what_is_wrong_with_tls_is_said_at_once() throws Exception {
    makeKey("known");
    Path missing = client("known.p12", "missing.p12");
    assertThatThrownBy(() -> open(missing))
        .hasMessageStartingWith("TLS can't be set up with the client properties " + missing + ": ")
        .hasMessageContaining("missing.p12");
    Path wrong = client("known.p12", "known.p12");
    Files.writeString(wrong, "zookeeper.ssl.keyStore.password=wrong\n", StandardOpenOption.APPEND);
    assertThatThrownBy(() -> open(wrong))
        .hasMessageStartingWith("TLS can't be set up with the client properties " + wrong + ": ")
        .hasMessageContaining("password");
  }

  @Test
  void settings_with_which_no_client_starts_are_said_at_once() throws Exception {
    Path nonsense =
        Files.writeString(
            directory.resolve("nonsense.properties"), "zookeeper.clientCnxnSocket=no.such.Class\n");
    assertThatThrownBy(() -> open(nonsense))
        .isInstanceOf(ZooKeeperException.class)
        .hasMessageContaining("no.such.Class");
  }

  private static void open(Path file) {
    ZooKeeperConnection.open(
            ZooKeeperOptions.of("127.0.0.1:1").withClientProperties(file), InstantSource.system())
        .close();
  }
}
