package dev.zrs.server;

import dev.zrs.server.config.CommandLine;
import dev.zrs.server.config.NamedStorage;
import dev.zrs.server.config.ServerConfig;
import dev.zrs.server.config.ZrsConfig;
import dev.zrs.server.control.ControlException;
import dev.zrs.server.control.ControlServer;
import dev.zrs.server.logging.PythonLogging;
import dev.zrs.zconfig.ConfigException;
import java.net.URI;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code zrs serve}: what runzeo does, with its options. */
@Command(
    name = "serve",
    description = "Serves the storages of a zeo.conf to ZEO clients, and replicates them.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class ServeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");

  @Option(
      names = {"-C", "--configure"},
      paramLabel = "FILE",
      description = "configuration file (zeo.conf)")
  private List<String> configurations = List.of();

  @Option(
      names = "-X",
      paramLabel = "SECTION/KEY=VALUE",
      description = "a key that replaces the one of the configuration file; may be repeated")
  private List<String> overrides = List.of();

  @Option(
      names = {"-a", "--address"},
      paramLabel = "ADDRESS",
      description =
          "where to listen for ZEO clients: PORT, HOST:PORT, or the path of a unix socket")
  private List<String> addresses = List.of();

  @Option(
      names = {"-f", "--filename"},
      paramLabel = "FILE",
      description = "a Data.fs to serve; may be given more than once")
  private List<String> files = List.of();

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "SECONDS",
      description = "how long a client may hold the commit lock")
  private List<String> timeouts = List.of();

  @Option(names = "--pid-file", paramLabel = "FILE", description = "where to write the process id")
  private List<String> pidFiles = List.of();

  @Option(names = "--test", description = "start, and stop at once")
  private boolean test;

  @Option(
      names = "--control",
      paramLabel = "SOCKET",
      description = "where to listen for zrs status and others (default: FILE.control)")
  private @Nullable Path control;

  @Override
  public Integer call() {
    ServerConfig config;
    PythonLogging logging;
    try {
      config = load();
      logging = PythonLogging.start(config.eventlog());
    } catch (ConfigException e) {
      System.err.println("Error: " + e.getMessage());
      System.err.println("For help, use zrs serve --help");
      return Main.USAGE;
    }
    try {
      requireAddresses(config);
    } catch (AddressException e) {
      return failed(config, String.valueOf(e.getMessage()));
    }
    Closer closer = new Closer();
    // Before anything is opened: a signal may come at once.
    Stopping.onSignal(
        signal -> {
          RunzeoLog.info((signal.equals("SIGHUP") ? "restarted by " : "terminated by ") + signal);
          closer.close();
          RunzeoLog.info("stopped");
        });
    Signals.handle("USR2", () -> reopenLogs(config, logging));
    try {
      config.zeo().pidFile().map(PidFile::write).ifPresent(closer::add);
      Node node = closer.add(Node.start(config, InstantSource.system()));
      Optional<Path> socket =
          control != null ? Optional.of(control) : ControlCommand.socketOf(config);
      socket.flatMap(path -> control(path, node)).ifPresent(closer::add);
    } catch (RuntimeException e) { // whatever it is, it is the reason why there is no server
      Stopping.clear();
      closer.close();
      LOG.debug("could not start", e);
      int code = failed(config, String.valueOf(e.getMessage()));
      return e instanceof ConfigException ? Main.USAGE : code;
    }
    if (test) {
      System.out.println("testing exit immediately");
      if (Stopping.clear()) {
        closer.close();
      }
      return Main.GOOD;
    }
    Stopping.awaitSignal();
    return Main.GOOD;
  }

  /** For programs such as logrotate, which have moved the files. */
  private static void reopenLogs(ServerConfig config, PythonLogging logging) {
    if (config.eventlog().isEmpty()) {
      RunzeoLog.warn("received SIGUSR2, but it was not handled!");
      return;
    }
    try {
      logging.reopen();
      RunzeoLog.info("Log files reopened successfully");
    } catch (ConfigException e) {
      LOG.error("{}", e.getMessage());
    }
  }

  /** Without it the server serves all the same. */
  private static Optional<ControlServer> control(Path path, Node node) {
    try {
      return Optional.of(ControlServer.open(path, new NodeCommands(node, InstantSource.system())));
    } catch (ControlException e) {
      LOG.error("{}; zrs status, promote and follow won't work (see --control)", e.getMessage());
      return Optional.empty();
    }
  }

  private ServerConfig load() {
    return ServerConfig.load(
        one("-C", configurations).map(ServeCommand::path),
        new CommandLine(
            Optional.ofNullable(addresses.isEmpty() ? null : addresses.getLast()),
            files,
            one("-t", timeouts),
            one("--pid-file", pidFiles),
            overrides),
        System.getenv());
  }

  /** An option may be repeated if it says the same. */
  private static Optional<String> one(String option, List<String> values) {
    if (values.stream().distinct().count() > 1) {
      throw new ConfigException("conflicting command line option '" + option + "'");
    }
    return values.stream().findFirst();
  }

  /** A file may be named by a URL. */
  private static Path path(String text) {
    if (text.matches("(?i)(https?|ftp)://.*")) {
      throw new ConfigException("-C " + text + ": only a file can be read");
    }
    try {
      return text.startsWith("file:") ? Path.of(URI.create(text)) : Path.of(text);
    } catch (IllegalArgumentException e) { // so are the exceptions of both
      throw new ConfigException("-C " + text + ": it does not name a file");
    }
  }

  private static int failed(ServerConfig config, String reason) {
    if (config.eventlog().isPresent()) {
      LOG.error("could not start: {}", reason);
    }
    System.err.println("Error: " + reason);
    return Main.BAD;
  }

  /**
   * All addresses must be free, before anything is opened or changed: what has one of them may be
   * this very server, started before.
   */
  private static void requireAddresses(ServerConfig config) {
    AddressCheck check = new AddressCheck();
    check.require(config.zeo().address());
    for (NamedStorage named : config.storages()) {
      named.storage().replication().flatMap(ZrsConfig::replicateTo).ifPresent(check::require);
    }
  }
}
