package dev.zrs.server.config;

import dev.zrs.server.logging.EventLog;
import dev.zrs.zconfig.ConfigException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that the server is told when it starts.
 *
 * @param storages at least one; their names differ
 * @param eventlog empty if the configuration has none: then the log goes to standard error
 * @param runner zdaemon's section, which the server itself ignores
 */
public record ServerConfig(
    ZeoSection zeo,
    List<NamedStorage> storages,
    Optional<EventLog> eventlog,
    Optional<Runner> runner) {
  public ServerConfig {
    storages = List.copyOf(storages);
  }

  /** Whether servers are registered or found in ZooKeeper. */
  public boolean usesZooKeeper() {
    return zeo.registration().isPresent()
        || storages.stream()
            .anyMatch(
                named ->
                    named
                        .storage()
                        .replication()
                        .filter(
                            zrs -> zrs.registration().isPresent() || zrs.upstreams().isPresent())
                        .isPresent());
  }

  /**
   * Reads a configuration as runzeo does: what the command line says goes before what the file
   * says.
   *
   * @param file none if there is only a command line
   * @param environment the variables of the process, for {@code $(NAME)} and INSTANCE_HOME
   * @throws ConfigException if anything is wrong; the message is one line for the user
   */
  public static ServerConfig load(
      Optional<Path> file, CommandLine commandLine, Map<String, String> environment) {
    return new ConfigLoader(commandLine, environment).load(file);
  }
}
