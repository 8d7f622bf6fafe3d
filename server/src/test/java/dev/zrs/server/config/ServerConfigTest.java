package dev.zrs.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.server.logging.LogFile;
import dev.zrs.storage.RecordLayer;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.ConfigReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ServerConfigTest {
  private static final String FILE =
      """
      <zeo>
        address localhost:8100
        pid-filename zeo.pid
        client-conflict-resolution true
        msgpack on
        transaction-timeout 30
        invalidation-age 0.5
      </zeo>
      <filestorage Main>
        path Data.fs
        blob-dir
        create false
        read-only true
      </filestorage>
      <filestorage>
        path Other.fs
      </filestorage>
      """;

  private static ServerConfig load(String text, CommandLine commandLine) {
    return new ConfigLoader(commandLine, Map.of())
        .build(Optional.of(new ConfigReader().read("zeo.conf", text)));
  }

  private static CommandLine options(String address, String... filenames) {
    return new CommandLine(
        Optional.of(address), List.of(filenames), Optional.empty(), Optional.empty(), List.of());
  }

  @Test
  void aFileWithSeveralStoragesAndDefaultsWrittenOut() {
    ServerConfig config = load(FILE, CommandLine.NONE);

    assertThat(config.zeo().pidFile()).contains(Path.of("zeo.pid"));
    assertThat(config.zeo().transactionTimeout()).contains(Duration.ofSeconds(30));
    assertThat(config.zeo().invalidationAge()).contains(Duration.ofMillis(500));
    assertThat(config.zeo().msgpack()).isTrue();
    assertThat(config.storages()).extracting(NamedStorage::name).containsExactly("main", "1");
    FileStorageConfig main = (FileStorageConfig) config.storages().getFirst().storage();
    assertThat(main.readOnly()).isTrue();
    assertThat(main.blobDir()).isEmpty();
    assertThat(config.eventlog()).isEmpty();
    assertThat(config.runner()).isEmpty();
  }

  @Test
  void storagesInMemoryAndAroundFiles() {
    ServerConfig config =
        load(
            """
            %import zc.zrs
            <zeo>
              address 1
            </zeo>
            <mappingstorage>
            </mappingstorage>
            <mappingstorage named>
              name trial storage
            </mappingstorage>
            <blobstorage blobs>
              blob-dir blobs
              <filestorage>
                path a.fs
                pack-gc false
                pack-rate 20MB
              </filestorage>
            </blobstorage>
            <zrs replicated>
              replicate-to 5
              <blobstorage>
                blob-dir blobs
                <filestorage>
                  path a.fs
                </filestorage>
              </blobstorage>
            </zrs>
            """,
            CommandLine.NONE);

    FileStorageConfig withBlobs =
        FileStorageConfig.at(Path.of("a.fs")).withBlobDir(Path.of("blobs"));
    assertThat(config.storages().get(0))
        .isEqualTo(new NamedStorage("1", new MappingStorageConfig("Mapping Storage")));
    assertThat(config.storages().get(1))
        .isEqualTo(new NamedStorage("named", new MappingStorageConfig("trial storage")));
    FileStorageConfig blobs = (FileStorageConfig) config.storages().get(2).storage();
    assertThat(blobs.blobDir()).contains(Path.of("blobs"));
    assertThat(blobs.packGc()).isFalse();
    assertThat(blobs.packRate()).isEqualTo(20 << 20);
    assertThat(((ZrsConfig) config.storages().get(3).storage()).base()).isEqualTo(withBlobs);
  }

  @Test
  void compressedStorages() {
    ServerConfig config =
        load(
            """
            %import zc.zrs
            %import zc.zlibstorage
            <zeo>
              address 1
            </zeo>
            <zlibstorage>
              <filestorage>
                path a.fs
              </filestorage>
            </zlibstorage>
            <zlibstorage plain>
              compress false
              <demostorage>
                <zlibstorage base>
                  <filestorage>
                    path a.fs
                  </filestorage>
                </zlibstorage>
              </demostorage>
            </zlibstorage>
            <serverzlibstorage server>
              compress true
              <filestorage>
                path a.fs
              </filestorage>
            </serverzlibstorage>
            <zlibstorage outside>
              <zrs>
                replicate-to 5
                <filestorage>
                  path a.fs
                </filestorage>
              </zrs>
            </zlibstorage>
            <zrs inside>
              replicate-from localhost:6
              <zlibstorage>
                <filestorage>
                  path a.fs
                </filestorage>
              </zlibstorage>
            </zrs>
            %import zc.zrs.xformstorage
            <hexstorage hex>
              <serverhexstorage>
                <filestorage>
                  path a.fs
                </filestorage>
              </serverhexstorage>
            </hexstorage>
            """,
            CommandLine.NONE);

    FileStorageConfig file = FileStorageConfig.at(Path.of("a.fs"));
    assertThat(config.storages().get(0))
        .isEqualTo(new NamedStorage("1", new LayeredStorageConfig(file, RecordLayer.ZLIB)));
    assertThat(config.storages().get(1))
        .isEqualTo(
            new NamedStorage(
                "plain",
                new LayeredStorageConfig(
                    new DemoStorageConfig(
                        Optional.empty(),
                        Optional.of(new LayeredStorageConfig(file, RecordLayer.ZLIB)),
                        Optional.empty()),
                    RecordLayer.ZLIB_LOADING)));
    assertThat(config.storages().get(2)).isEqualTo(new NamedStorage("server", file));
    for (int i = 3; i <= 4; i++) {
      LayeredStorageConfig layer = (LayeredStorageConfig) config.storages().get(i).storage();
      assertThat(layer.base()).isInstanceOf(ZrsConfig.class);
      assertThat(layer.replication().orElseThrow().base()).isEqualTo(file);
    }
    assertThat(config.storages().get(5))
        .isEqualTo(new NamedStorage("hex", new LayeredStorageConfig(file, RecordLayer.HEX)));
    assertThat(config.storages().get(4).name()).isEqualTo("inside");
    assertThat(config.storages().get(0).storage().replication()).isEmpty();
  }

  @Test
  void theCommandLineGoesBeforeTheFile() {
    CommandLine commandLine =
        new CommandLine(
            Optional.of(":9000"),
            List.of("a.fs", "b.fs"),
            Optional.empty(),
            Optional.of("other.pid"),
            List.of());

    ServerConfig config = load(FILE, commandLine);

    assertThat(config.zeo().address()).isEqualTo(new Address.Inet("", OptionalInt.of(9000)));
    assertThat(config.zeo().pidFile()).contains(Path.of("other.pid"));
    assertThat(config.storages())
        .containsExactly(
            new NamedStorage("1", FileStorageConfig.at(Path.of("a.fs"))),
            new NamedStorage("2", FileStorageConfig.at(Path.of("b.fs"))));
  }

  @Test
  void aCommandLineWithoutAFileIsEnough() {
    ServerConfig config =
        ServerConfig.load(
            Optional.empty(), options("/run/zeo", "Data.fs"), Map.of("INSTANCE_HOME", "/srv/zeo"));

    assertThat(config.zeo())
        .isEqualTo(
            new ZeoSection(
                new Address.Unix("/run/zeo"),
                false,
                100,
                Optional.empty(),
                Optional.empty(),
                Optional.of(Path.of("/srv/zeo/var/ZEO.pid")),
                false,
                false,
                Optional.empty(),
                Optional.empty()));
  }

  @Test
  void withoutAPortAnyFreeOneIsTaken() {
    ServerConfig config =
        ServerConfig.load(Optional.empty(), options("localhost", "Data.fs"), Map.of());

    assertThat(config.zeo().address()).isEqualTo(new Address.Inet("localhost", OptionalInt.of(0)));
    assertThat(config.zeo().pidFile()).isEmpty();
  }

  @Test
  void whatIsMissingOrWrongOnTheCommandLineIsNamed() {
    assertRefused(CommandLine.NONE, "no server address specified; use -a or -C");
    assertRefused(options("8100"), "no storages specified; use -f or -C");
    assertRefused(options("h:x", "f"), "invalid value for -a 'h:x': 'x' is not an integer");
    assertRefused(
        new CommandLine(
            Optional.of("1"), List.of("f"), Optional.of("-1"), Optional.empty(), List.of()),
        "invalid value for -t '-1': with a transaction timeout of -1.0 seconds nobody could commit;"
            + " leave it out for none");
  }

  @Test
  void theEnvironmentOffersMsgpackWhereTheFileSaysNothing() {
    Map<String, String> environment = Map.of("ZEO_MSGPACK", "1");
    assertThat(ServerConfig.load(Optional.empty(), options("1", "f"), environment).zeo().msgpack())
        .isTrue();
    assertThat(
            new ConfigLoader(CommandLine.NONE, environment)
                .build(
                    Optional.of(
                        new ConfigReader()
                            .read("zeo.conf", FILE.replace("msgpack on", "msgpack off"))))
                .zeo()
                .msgpack())
        .isFalse();
  }

  private static CommandLine replacing(String... overrides) {
    return new CommandLine(
        Optional.empty(), List.of(), Optional.empty(), Optional.empty(), List.of(overrides));
  }

  @Test
  void keysOfTheFileCanBeReplaced() {
    ServerConfig config =
        load(
            FILE, replacing("zeo/address=9000", "Main/path=Third.fs", "filestorage/pack-gc=false"));

    assertThat(config.zeo().address().text()).isEqualTo(":9000");
    FileStorageConfig main = (FileStorageConfig) config.storages().getFirst().storage();
    assertThat(main.path()).isEqualTo(Path.of("Third.fs"));
    assertThat(main.packGc()).isFalse();
    assertThat(((FileStorageConfig) config.storages().get(1).storage()).packGc()).isTrue();
  }

  @Test
  void whatCannotBeReplacedIsNamed() {
    assertRefused(
        replacing("zeo/address=9"),
        "configuration overrides (-X) cannot be used without a configuration file");
    assertOverrideRefused("zeo.address", "-X zeo.address: it is not of the form SECTION/KEY=VALUE");
    assertOverrideRefused("zeo//a=1", "-X zeo//a=1: there is a name missing before the '='");
    assertOverrideRefused("zoe/a=1", "-X zoe/a=1: there is no section zoe");
    assertOverrideRefused(
        "zeo/address=h:x", "-X zeo/address=h:x: address in <zeo>: 'x' is not an integer");
    assertOverrideRefused("zeo/adress=1", "-X zeo/adress=1: adress is not a known key in <zeo>");
  }

  private static void assertOverrideRefused(String override, String message) {
    assertThatThrownBy(() -> load(FILE, replacing(override)))
        .isInstanceOf(ConfigException.class)
        .hasMessage(message);
  }

  private static void assertRefused(CommandLine commandLine, String message) {
    assertThatThrownBy(() -> ServerConfig.load(Optional.empty(), commandLine, Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessage(message);
  }

  @Test
  void theRunnersLogMayUseWhatOursMayNot() {
    String runner =
        """
        <runner>
          program a b
          <logger>
            name zdaemon
            <syslog/>
            <logfile>
              path x
              when D
              old-files 3
            </logfile>
          </logger>
        </runner>
        """;

    assertThat(load(FILE + runner, CommandLine.NONE).runner().orElseThrow().program())
        .containsExactly("a", "b");
  }

  private static ZrsConfig zrs(String keys) {
    ServerConfig config =
        load(
            """
            %%import zc.zrs
            <zeo>
              address 1
            </zeo>
            <zrs>
              %s
              <filestorage>
                path a.fs
              </filestorage>
            </zrs>
            """
                .formatted(keys),
            CommandLine.NONE);
    assertThat(config.usesZooKeeper()).isEqualTo(keys.contains("zookeeper"));
    return (ZrsConfig) config.storages().getFirst().storage();
  }

  @Test
  void zookeeperTurnsAddressesIntoPaths() {
    ZrsConfig both =
        zrs("zookeeper a:2181,b:2181/zodb\nreplicate-to /to\nreplicate-from /from/providers");
    RegistrationConfig registration = both.registration().orElseThrow();
    assertThat(registration.ensemble().connectionString()).isEqualTo("a:2181,b:2181/zodb");
    assertThat(registration.path()).isEqualTo("/to");
    assertThat(registration.host()).isEmpty();
    assertThat(registration.createPath()).isFalse();
    assertThat(both.replicateTo()).contains(new Address.Inet("", OptionalInt.of(0)));
    assertThat(both.replicateFrom()).contains(new Address.Unix("/from/providers"));
    assertThat(both.upstreams()).contains(registration.ensemble());

    ZrsConfig twoEnsembles =
        zrs("zookeeper a\nreplicate-from-zookeeper b\nreplicate-to /db\nreplicate-from /db");
    assertThat(twoEnsembles.registration().orElseThrow().ensemble().connectionString())
        .isEqualTo("a");
    assertThat(twoEnsembles.upstreams().orElseThrow().connectionString()).isEqualTo("b");

    ZrsConfig onlyFrom = zrs("replicate-from-zookeeper b\nreplicate-to 5\nreplicate-from /db");
    assertThat(onlyFrom.registration()).isEmpty();
    assertThat(onlyFrom.replicateTo()).contains(new Address.Inet("", OptionalInt.of(5)));

    ZrsConfig without = zrs("replicate-to 5\nreplicate-from /run/socket");
    assertThat(without.registration()).isEmpty();
    assertThat(without.upstreams()).isEmpty();
  }

  @Test
  void whatIsAdvertisedIsWhereItListensUnlessItIsSaid() {
    String registered = "zookeeper a\nreplicate-to /to\n";
    assertThat(zrs(registered + "advertise db.example.com:8101").replicateTo())
        .contains(new Address.Inet("", OptionalInt.of(8101)));
    assertThat(zrs(registered + "advertise db.example.com").replicateTo())
        .contains(new Address.Inet("", OptionalInt.of(0)));
    assertThat(zrs(registered + "advertise db:8101\nlisten 127.0.0.1:9101").replicateTo())
        .contains(new Address.Inet("127.0.0.1", OptionalInt.of(9101)));
    ZrsConfig secured =
        zrs(
            registered
                + "zookeeper-auth digest:me:s:cret\nzookeeper-acl Creator\nzookeeper-timeout 3");
    ZooKeeperConfig ensemble = secured.upstreams().orElseThrow();
    assertThat(ensemble.authentication().orElseThrow().secret()).isEqualTo("me:s:cret");
    assertThat(ensemble.access()).isEqualTo(ZooKeeperConfig.Access.CREATOR);
    assertThat(ensemble.sessionTimeout()).isEqualTo(Duration.ofSeconds(3));
    assertThat(secured.toString()).doesNotContain("s:cret");
  }

  @Test
  void theExamplesCanBeRead() {
    ZrsConfig primary = example("primary.conf");
    assertThat(primary.replicateTo().orElseThrow().text()).isEqualTo("127.0.0.1:8101");
    assertThat(primary.base().packKeepOld()).isFalse();

    ZrsConfig secondary = example("secondary.conf");
    assertThat(secondary.replicateFrom()).isEqualTo(primary.replicateTo());
    assertThat(secondary.reconnectDelay()).isEqualTo(Duration.ofSeconds(5));
  }

  private static ZrsConfig example(String name) {
    Path file = Path.of("..", "examples", name);
    ServerConfig config = ServerConfig.load(Optional.of(file), CommandLine.NONE, Map.of());
    LogFile log = (LogFile) config.eventlog().orElseThrow().handlers().getFirst();
    assertThat(log.maxSize()).isEqualTo(10L << 20);
    assertThat(log.oldFiles()).isEqualTo(5);
    return (ZrsConfig) config.storages().getFirst().storage();
  }

  @Test
  void a_demostorage_has_changes_by_their_name_and_a_base_of_any() {
    ServerConfig config =
        load(
            """
            <zeo>
              address 1
            </zeo>
            <demostorage>
              <filestorage Changes>
                path c.fs
              </filestorage>
              <filestorage whatever>
                path it's.fs
                read-only on
              </filestorage>
            </demostorage>
            <demostorage nested>
              name a trial
              <demostorage>
                <mappingstorage>
                </mappingstorage>
              </demostorage>
            </demostorage>
            <demostorage empty>
            </demostorage>
            """,
            CommandLine.NONE);
    DemoStorageConfig first = (DemoStorageConfig) config.storages().get(0).storage();
    assertThat(first.name()).isEqualTo("DemoStorage(\"it's.fs\", 'c.fs')");
    assertThat(first.changes()).contains(FileStorageConfig.at(Path.of("c.fs")));
    assertThat(first.base().orElseThrow())
        .isInstanceOfSatisfying(
            FileStorageConfig.class, base -> assertThat(base.readOnly()).isTrue());
    DemoStorageConfig nested = (DemoStorageConfig) config.storages().get(1).storage();
    assertThat(nested.name()).isEqualTo("a trial");
    assertThat(nested.changes()).isEmpty();
    assertThat(nested.base().orElseThrow())
        .isInstanceOfSatisfying(
            DemoStorageConfig.class,
            inner ->
                assertThat(inner.name())
                    .isEqualTo("DemoStorage('Mapping Storage', 'MappingStorage')"));
    DemoStorageConfig empty = (DemoStorageConfig) config.storages().get(2).storage();
    assertThat(empty.name()).isEqualTo("DemoStorage('MappingStorage', 'MappingStorage')");
  }
}
