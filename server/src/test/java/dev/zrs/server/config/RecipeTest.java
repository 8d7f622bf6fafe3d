package dev.zrs.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.server.logging.LogFile;
import dev.zrs.testkit.PythonPeer;
import dev.zrs.zconfig.Address;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What plone.recipe.zeoserver and ZEO's mkzeoinstance write can be read. */
@Timeout(120)
class RecipeTest {
  @TempDir private static Path top;

  @BeforeAll
  static void writeFiles() throws IOException {
    PythonPeer.current().run(RecipeTest.class, "recipe.py", top.toString());
  }

  private static ServerConfig load(String buildout, String file) {
    Path path = top.resolve(buildout).resolve("parts/zeoserver/etc").resolve(file);
    return ServerConfig.load(Optional.of(path), CommandLine.NONE, Map.of());
  }

  private static ServerConfig load(String buildout) {
    return load(buildout, "zeo.conf");
  }

  @Test
  void thePlainOne() {
    ServerConfig config = load("plain");
    Path var = top.resolve("plain/var");

    assertThat(config.zeo().address()).isEqualTo(new Address.Inet("", OptionalInt.of(8100)));
    assertThat(config.zeo().readOnly()).isFalse();
    assertThat(config.zeo().invalidationQueueSize()).isEqualTo(100);
    assertThat(config.zeo().pidFile()).contains(var.resolve("zeoserver.pid"));
    assertThat(config.storages())
        .containsExactly(
            new NamedStorage(
                "1",
                new FileStorageConfig(
                    var.resolve("filestorage/Data.fs"),
                    Optional.of(var.resolve("blobstorage")),
                    false,
                    false,
                    OptionalLong.empty(),
                    true,
                    true,
                    0)));
    assertThat(config.runner().orElseThrow().program())
        .containsExactly(top.resolve("plain/parts/zeoserver/bin/runzeo").toString());
    LogFile log = (LogFile) config.eventlog().orElseThrow().handlers().getFirst();
    assertThat(log.path()).isEqualTo(var.resolve("log/zeoserver.log").toString());
    assertThat(log.maxSize()).isZero();
    assertThat(log.layout().dateFormat()).isEqualTo("%Y-%m-%dT%H:%M:%S");
  }

  @Test
  void theOneWithLogRotationAndPackOptions() {
    ServerConfig config = load("rotated");

    FileStorageConfig storage = (FileStorageConfig) config.storages().getFirst().storage();
    assertThat(storage.packGc()).isFalse();
    assertThat(storage.packKeepOld()).isFalse();
    LogFile log = (LogFile) config.eventlog().orElseThrow().handlers().getFirst();
    assertThat(log.maxSize()).isEqualTo(5L * 1024 * 1024);
    assertThat(log.oldFiles()).isEqualTo(3);
    assertThat(config.zeo().address().text()).isEqualTo("127.0.0.1:8100");
    assertThat(config.zeo().invalidationQueueSize()).isEqualTo(500);
  }

  @Test
  void theOneThatIsReadOnlyAndHasNoBlobs() {
    ServerConfig config = load("no-blobs");

    assertThat(config.zeo().readOnly()).isTrue();
    assertThat(config.zeo().pidFile()).isEmpty();
    assertThat(config.storages().getFirst().name()).isEqualTo("main");
    assertThat(((FileStorageConfig) config.storages().getFirst().storage()).blobDir()).isEmpty();
  }

  @Test
  void theOneWithAUnixSocket() {
    ServerConfig config = load("socket");

    assertThat(config.zeo().address()).isEqualTo(new Address.Unix("/run/zeo.sock"));
    assertThat(config.eventlog().orElseThrow().level()).isEqualTo(30);
  }

  @Test
  void aPrimaryASecondaryAndACascade() {
    ZrsConfig primary = zrs("primary");
    assertThat(primary.replicateTo().orElseThrow().text()).isEqualTo("10.0.0.1:5000");
    assertThat(primary.replicateFrom()).isEmpty();
    assertThat(primary.keepAliveDelay()).isEqualTo(Duration.ofSeconds(60));

    ZrsConfig secondary = zrs("secondary");
    assertThat(secondary.replicateTo()).isEmpty();
    assertThat(secondary.replicateFrom().orElseThrow().text()).isEqualTo("10.0.0.1:5000");
    assertThat(secondary.keepAliveDelay()).isEqualTo(Duration.ofSeconds(30));
    assertThat(secondary.reconnectDelay()).isEqualTo(Duration.ofSeconds(60));

    ZrsConfig cascade = zrs("cascade");
    assertThat(cascade.replicateTo()).contains(new Address.Inet("", OptionalInt.of(5001)));
    assertThat(cascade.replicateFrom()).isPresent();
    assertThat(cascade.base().path()).isEqualTo(top.resolve("cascade/var/filestorage/Data.fs"));
  }

  @Test
  void theInstanceFileOfZeo() {
    ServerConfig config = load("plain", "instance.conf");

    assertThat(config.storages()).hasSize(1);
    assertThat(config.eventlog().orElseThrow().level()).isEqualTo(20);
  }

  private static ZrsConfig zrs(String buildout) {
    ServerConfig config = load(buildout);
    assertThat(config.storages()).extracting(NamedStorage::name).containsExactly("1");
    return (ZrsConfig) config.storages().getFirst().storage();
  }
}
