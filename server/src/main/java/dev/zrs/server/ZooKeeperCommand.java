package dev.zrs.server;

import dev.zrs.server.directory.DirectoryException;
import dev.zrs.server.logging.PythonLogging;
import dev.zrs.server.zookeeper.TrialEnsemble;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code zrs zookeeper}: a ZooKeeper to try things with. */
@Command(
    name = "zookeeper",
    description =
        "Runs one ZooKeeper server for trials, which only this machine can reach, until Ctrl-C. Not"
            + " for production: an ensemble of three is.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class ZooKeeperCommand implements Callable<Integer> {
  private static final int MAX_PORT = 65_535;

  @Parameters(paramLabel = "FOLDER", description = "where it keeps its data; made if it is missing")
  private Path folder = Path.of("");

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "where to listen (default: ${DEFAULT-VALUE}); 0 for any free port",
      defaultValue = "2181")
  private int port;

  @Override
  public Integer call() {
    if (port < 0 || port > MAX_PORT) {
      System.err.println("Error: --port: " + port + " is no port");
      return Main.USAGE;
    }
    PythonLogging.start(Optional.empty());
    try {
      TrialEnsemble ensemble = TrialEnsemble.start(folder, port);
      Stopping.onSignal(_ -> ensemble.close());
      System.out.printf("ZooKeeper listens at %s%n", ensemble.connectionString());
      System.out.flush();
    } catch (DirectoryException e) {
      System.err.println("Error: " + e.getMessage());
      return Main.BAD;
    }
    Stopping.awaitSignal();
    return Main.GOOD;
  }
}
