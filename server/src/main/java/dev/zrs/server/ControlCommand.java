package dev.zrs.server;

import dev.zrs.server.config.CommandLine;
import dev.zrs.server.config.DemoStorageConfig;
import dev.zrs.server.config.FileStorageConfig;
import dev.zrs.server.config.LayeredStorageConfig;
import dev.zrs.server.config.MappingStorageConfig;
import dev.zrs.server.config.NamedStorage;
import dev.zrs.server.config.ServerConfig;
import dev.zrs.server.config.StorageConfig;
import dev.zrs.server.config.ZrsConfig;
import dev.zrs.server.control.ControlClient;
import dev.zrs.server.control.ControlException;
import dev.zrs.server.control.ControlSocket;
import dev.zrs.server.control.Reply;
import dev.zrs.zconfig.ConfigException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands have in common that speak to a running server. */
abstract class ControlCommand implements Callable<Integer> {
  @Option(
      names = {"-C", "--configure"},
      paramLabel = "FILE",
      description = "configuration file (zeo.conf) of the server")
  private @Nullable Path configuration;

  @Option(
      names = "--control",
      paramLabel = "SOCKET",
      description = "control socket of the server, instead of -C")
  private @Nullable Path control;

  /** The command as the server knows it. */
  abstract List<String> words();

  @Override
  public final Integer call() {
    try {
      Reply reply = ControlClient.send(socket(), words());
      (reply.code() == Main.GOOD ? System.out : System.err)
          .println((reply.code() == Main.GOOD ? "" : "Error: ") + reply.text().stripTrailing());
      return reply.code();
    } catch (ConfigException e) {
      System.err.println("Error: " + e.getMessage());
      return Main.USAGE;
    } catch (ControlException e) {
      System.err.println("Error: " + e.getMessage());
      return Main.BAD;
    }
  }

  private Path socket() {
    if (control != null) {
      return control;
    }
    if (configuration == null) {
      throw new ConfigException("say which server: -C FILE, or --control SOCKET");
    }
    return socketOf(
            ServerConfig.load(Optional.of(configuration), CommandLine.NONE, System.getenv()))
        .orElseThrow(
            () ->
                new ConfigException(
                    configuration
                        + " has no file storage, so that there is no control socket"
                        + " unless the server was started with --control"));
  }

  /** Where a server listens if it is not told; empty if it has no storage in a file. */
  static Optional<Path> socketOf(ServerConfig config) {
    return config.storages().stream()
        .map(NamedStorage::storage)
        .flatMap(storage -> dataFile(storage).stream())
        .findFirst()
        .map(ControlSocket::besides);
  }

  /** The data file of a storage, if it has one. */
  static Optional<Path> dataFile(StorageConfig storage) {
    return switch (storage) {
      case FileStorageConfig file -> Optional.of(file.path());
      case LayeredStorageConfig layered -> dataFile(layered.base());
      case ZrsConfig zrs -> Optional.of(zrs.base().path());
      // A base may lie where nothing can be written.
      case DemoStorageConfig demo -> demo.changes().flatMap(ControlCommand::dataFile);
      case MappingStorageConfig mapping -> Optional.empty();
    };
  }
}
