package dev.zrs.server;

import dev.zrs.server.config.CommandLine;
import dev.zrs.server.config.NamedStorage;
import dev.zrs.server.config.ServerConfig;
import dev.zrs.server.role.RoleException;
import dev.zrs.server.role.RoleFile;
import dev.zrs.storage.Disk;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.StorageException;
import dev.zrs.zconfig.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code zrs role}. */
@Command(
    name = "role",
    description = "Shows the roles that promote and follow have written down beside the storages.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class RoleCommand implements Callable<Integer> {
  @Option(
      names = {"-C", "--configure"},
      paramLabel = "FILE",
      required = true,
      description = "configuration file (zeo.conf) of the server")
  private Path configuration = Path.of("");

  @Option(
      names = "--clear",
      description = "removes them, so that zeo.conf alone says the roles; the server must not run")
  private boolean clear;

  @Override
  public Integer call() {
    try {
      ServerConfig config =
          ServerConfig.load(Optional.of(configuration), CommandLine.NONE, System.getenv());
      for (NamedStorage named : config.storages()) {
        ControlCommand.dataFile(named.storage()).ifPresent(file -> show(named.name(), file));
      }
      return Main.GOOD;
    } catch (ConfigException e) {
      System.err.println("Error: " + e.getMessage());
      return Main.USAGE;
    } catch (RoleException e) {
      System.err.println("Error: " + e.getMessage());
      return Main.BAD;
    } catch (StorageException e) {
      System.err.println("Error: stop the server first: " + e.getMessage());
      return Main.BAD;
    }
  }

  private void show(String name, Path dataFile) {
    RoleFile file = new RoleFile(dataFile);
    if (clear) {
      boolean was = clear(dataFile, file);
      System.out.printf(
          "storage '%s': %s%n", name, was ? file.path() + " is removed" : "there is no role file");
      return;
    }
    System.out.printf(
        "storage '%s': %s%n",
        name,
        file.read()
            .map(entry -> "%s since %s".formatted(entry.role().text(), entry.since()))
            .orElse("there is no role file, zeo.conf says it"));
  }

  /** Under the lock of the storage, which a running server holds. */
  private static boolean clear(Path dataFile, RoleFile file) {
    if (!Files.exists(file.path())) {
      return false;
    }
    try (Disk.Lock _ =
        new RealDisk().lock(dataFile.resolveSibling(dataFile.getFileName() + ".lock"))) {
      return file.clear();
    }
  }
}
