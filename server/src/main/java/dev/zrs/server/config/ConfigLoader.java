package dev.zrs.server.config;

import dev.zrs.server.logging.EventLog;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.ConfigReader;
import dev.zrs.zconfig.DataTypes;
import dev.zrs.zconfig.Document;
import dev.zrs.zconfig.Overrides;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Puts a file and a command line together, in the way of runzeo. */
final class ConfigLoader {
  private static final int DEFAULT_QUEUE_SIZE = 100;

  /** A limit for times that are as good as endless, a century. */
  private static final double MAX_SECONDS = 100 * 366 * 24 * 3600.0;

  private final CommandLine commandLine;
  private final Map<String, String> environment;

  ConfigLoader(CommandLine commandLine, Map<String, String> environment) {
    this.commandLine = commandLine;
    this.environment = Map.copyOf(environment);
  }

  ServerConfig load(Optional<Path> file) {
    return build(file.map(path -> new ConfigReader(this::variable).read(path)));
  }

  ServerConfig build(Optional<Document> written) {
    Overrides overrides = new Overrides(commandLine.overrides());
    if (written.isEmpty() && !commandLine.overrides().isEmpty()) {
      throw new ConfigException(
          "configuration overrides (-X) cannot be used without a configuration file");
    }
    Optional<Document> document = written.map(overrides::applyTo);
    document.ifPresent(NeedsPython::checkImports);
    Optional<CheckedSection> root = document.map(RunzeoSchema.SCHEMA::check);
    root.ifPresent(NeedsPython::check);
    List<NamedStorage> fromFile =
        root.map(r -> StorageReader.read(r.ofKind(RunzeoSchema.STORAGE))).orElseGet(List::of);
    Optional<EventLog> eventLog = root.flatMap(r -> r.ofType("eventlog")).map(EventLogReader::read);
    Optional<Runner> runner = root.flatMap(r -> r.ofType("runner")).map(ConfigLoader::runner);
    ZeoSection zeo = zeo(root.flatMap(r -> r.ofType("zeo")));
    List<NamedStorage> storages = commandLine.filenames().isEmpty() ? fromFile : fromOptions();
    if (storages.isEmpty()) {
      throw new ConfigException("no storages specified; use -f or -C");
    }
    return new ServerConfig(zeo, storages, eventLog, runner);
  }

  private @Nullable String variable(String name) {
    return environment.get(name);
  }

  private List<NamedStorage> fromOptions() {
    List<NamedStorage> storages = new ArrayList<>();
    for (String filename : commandLine.filenames()) {
      String name = Integer.toString(storages.size() + 1);
      storages.add(
          new NamedStorage(name, FileStorageConfig.at(option("-f", filename, this::path))));
    }
    return storages;
  }

  private ZeoSection zeo(Optional<CheckedSection> section) {
    Address address =
        commandLine
            .address()
            .map(
                text ->
                    option("-a", text, t -> withPort(DataTypes.SOCKET_BINDING_ADDRESS.parse(t))))
            .or(() -> section.map(ConfigLoader::address))
            .orElseThrow(() -> new ConfigException("no server address specified; use -a or -C"));
    boolean readOnly = section.map(s -> s.get("read-only", Boolean.class)).orElse(false);
    return new ZeoSection(
        address,
        readOnly,
        section.map(ConfigLoader::queueSize).orElse(DEFAULT_QUEUE_SIZE),
        section.flatMap(s -> s.find("invalidation-age", Double.class)).flatMap(ConfigLoader::age),
        transactionTimeout(section),
        readOnly ? Optional.empty() : pidFile(section),
        section
            .flatMap(s -> s.find("msgpack", Boolean.class))
            .orElseGet(() -> !Objects.requireNonNullElse(variable("ZEO_MSGPACK"), "").isEmpty()),
        section.map(s -> s.get("client-conflict-resolution", Boolean.class)).orElse(false),
        section.flatMap(s -> registration(s, address)),
        section.flatMap(s -> s.ofType("ssl")).map(ssl -> SslConfig.read(ssl, this::variable)));
  }

  private static Optional<RegistrationConfig> registration(CheckedSection zeo, Address address) {
    Optional<ZooKeeperConfig> ensemble = ZooKeeperReader.ensemble(zeo, ZooKeeperReader.ENSEMBLE);
    Optional<String> path = zeo.find("register", String.class);
    if (ensemble.isEmpty() || path.isEmpty()) {
      ZooKeeperReader.requireAbsent(
          zeo,
          List.of(ZooKeeperReader.ENSEMBLE, "register", "advertise", "create-path"),
          "who is registered needs both zookeeper and register");
      ZooKeeperReader.requireNoConnection(zeo);
      return Optional.empty();
    }
    if (!(address instanceof Address.Inet)) {
      throw zeo.error("register", "nobody on another machine could connect to a unix socket");
    }
    return Optional.of(ZooKeeperReader.registration(zeo, ensemble.get(), path.get()));
  }

  private static Address address(CheckedSection zeo) {
    try {
      return withPort(zeo.get("address", Address.class));
    } catch (BadValueException e) {
      throw zeo.error("address", e.reason());
    }
  }

  /**
   * Without a port runzeo listens at any free one. ZConfig takes a number that is no port for a
   * host name, which nobody can mean.
   */
  private static Address withPort(Address address) {
    if (!(address instanceof Address.Inet inet) || inet.port().isPresent()) {
      return address;
    }
    if (inet.host().matches("[-+]?\\d+")) {
      throw new BadValueException("'" + inet.host() + "' is not a port from 0 to 65535");
    }
    return new Address.Inet(inet.host(), OptionalInt.of(0));
  }

  private static int queueSize(CheckedSection zeo) {
    long size = zeo.get("invalidation-queue-size", Long.class);
    if (size < 1 || size > Integer.MAX_VALUE) {
      throw zeo.error("invalidation-queue-size", size + " is out of range");
    }
    return (int) size;
  }

  /** Python takes 0 for none, and nobody is younger than less. */
  private static Optional<Duration> age(double seconds) {
    return seconds > 0 ? Optional.of(duration(seconds)) : Optional.empty();
  }

  private Optional<Duration> transactionTimeout(Optional<CheckedSection> zeo) {
    Optional<String> fromOption = commandLine.timeout();
    if (fromOption.isPresent()) {
      return Optional.of(
          option("-t", fromOption.get(), text -> timeout(DataTypes.FLOAT_NUMBER.parse(text))));
    }
    String key = "transaction-timeout";
    return zeo.flatMap(
        section ->
            section
                .find(key, Long.class)
                .map(
                    seconds -> {
                      try {
                        return timeout(seconds);
                      } catch (BadValueException e) {
                        throw section.error(key, e.reason());
                      }
                    }));
  }

  private static Duration timeout(double seconds) {
    if (!(seconds > 0)) {
      throw new BadValueException(
          "with a transaction timeout of "
              + seconds
              + " seconds nobody could commit; leave it out for none");
    }
    return duration(seconds);
  }

  private static Duration duration(double seconds) {
    return Duration.ofMillis(Math.max(1, Math.round(Math.min(seconds, MAX_SECONDS) * 1000)));
  }

  private Optional<Path> pidFile(Optional<CheckedSection> zeo) {
    return commandLine
        .pidFile()
        .or(() -> zeo.flatMap(s -> s.find("pid-filename", String.class)))
        .filter(name -> !name.isEmpty())
        .or(
            () ->
                Optional.ofNullable(variable("INSTANCE_HOME"))
                    .filter(home -> !home.isEmpty())
                    .map(home -> home + "/var/ZEO.pid"))
        .map(name -> option("--pid-file", name, this::path));
  }

  private Path path(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new BadValueException(e.getReason());
    }
  }

  private static <T> T option(String option, String text, Function<String, T> type) {
    try {
      return type.apply(text);
    } catch (BadValueException e) {
      throw new ConfigException(
          "invalid value for " + option + " " + DataTypes.quote(text) + ": " + e.reason());
    }
  }

  private static Runner runner(CheckedSection section) {
    // Its log is zdaemon's, but a mistake in it should not wait until zdaemon reads it.
    section.ofKind(LogSchema.LOG).forEach(EventLogReader::check);
    return new Runner(List.copyOf(words(section)), section.location());
  }

  private static List<String> words(CheckedSection runner) {
    return ((List<?>) runner.get("program", List.class)).stream().map(String.class::cast).toList();
  }
}
