package dev.zrs.server;

import dev.zrs.server.config.CommandLine;
import dev.zrs.server.config.NamedStorage;
import dev.zrs.server.config.ServerConfig;
import dev.zrs.server.config.ZrsConfig;
import dev.zrs.server.control.ControlException;
import dev.zrs.server.control.ControlServer;
import dev.zrs.server.logging.PythonLogging;
import dev.zrs.zconfig.ConfigException;
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
  private static final Logger LOG = LoggerFactory.getLogger("runzeo");

  @Option(
      names = {"-C", "--configure"},
      paramLabel = "FILE",
      description = "configuration file (zeo.conf)")
  private @Nullable Path configuration;

  @Option(
      names = {"-a", "--address"},
      paramLabel = "ADDRESS",
      description =
          "where to listen for ZEO clients: PORT, HOST:PORT, or the path of a unix socket")
  private @Nullable String address;

  @Option(
      names = {"-f", "--filename"},
      paramLabel = "FILE",
      description = "a Data.fs to serve; may be given more than once")
  private List<String> files = List.of();

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "SECONDS",
      description = "how long a client may hold the commit lock")
  private @Nullable String timeout;

  @Option(names = "--pid-file", paramLabel = "FILE", description = "where to write the process id")
  private @Nullable String pidFile;

  @Option(
      names = "--control",
      paramLabel = "SOCKET",
      description = "where to listen for zrs status and others (default: FILE.control)")
  private @Nullable Path control;

  @Override
  public Integer call() {
    ServerConfig config;
    try {
      config = load();
      PythonLogging.start(config.eventlog());
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
        () -> {
          LOG.info("terminated by a signal");
          closer.close();
          LOG.info("stopped");
        });
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
    Stopping.awaitSignal();
    return Main.GOOD;
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
        Optional.ofNullable(configuration),
        new CommandLine(
            Optional.ofNullable(address),
            files,
            Optional.ofNullable(timeout),
            Optional.ofNullable(pidFile)),
        System.getenv());
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
      if (named.storage() instanceof ZrsConfig zrs) {
        zrs.replicateTo().ifPresent(check::require);
      }
    }
  }
}
