package dev.zrs.server;

import dev.zrs.storage.FileRecovery;
import dev.zrs.storage.RealDisk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code zrs recover}: copies what is whole in a damaged Data.fs. */
@Command(
    name = "recover",
    description =
        "Copies all that is whole in a damaged Data.fs to a new file, as fsrecover does, and says"
            + " what is lost. The damaged file is only read. Restore a backup, or take a replica, if"
            + " you have one: it has everything.",
    footer = "Exit codes: 0 everything was copied; 1 something is lost, or it failed; 2 usage.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class RecoverCommand extends FileCommand {
  @Parameters(index = "0", paramLabel = "DAMAGED", description = "the damaged Data.fs")
  private Path damaged = Path.of("");

  @Parameters(index = "1", paramLabel = "NEW", description = "the file to write")
  private Path target = Path.of("");

  @Option(
      names = {"-f", "--force"},
      description = "replace the new file if it exists")
  private boolean force;

  @Option(
      names = {"-p", "--partial"},
      description =
          "keep the records before the damage of a transaction; without it such a transaction is"
              + " left out")
  private boolean partial;

  @Override
  Path file() {
    return damaged;
  }

  @Override
  int run() {
    if (Files.exists(target) && !force) {
      err.println("Error: " + target + " exists; it is replaced with --force");
      return Main.USAGE;
    }
    if (target.toAbsolutePath().normalize().equals(damaged.toAbsolutePath().normalize())) {
      err.println("Error: the new file must be another one than the damaged one");
      return Main.USAGE;
    }
    FileRecovery.Result result;
    try (ProgressLine line = new ProgressLine()) {
      result =
          FileRecovery.run(
              damaged,
              target,
              new RealDisk(),
              force,
              partial,
              lost ->
                  out.printf(
                      Locale.ROOT,
                      "lost: %,d bytes at %d: %s%n",
                      lost.length(),
                      lost.position(),
                      lost.reason()),
              progress(line, "recovering", true));
    }
    out.printf(
        Locale.ROOT,
        "%,d transactions with %,d records are in %s; %s%n",
        result.transactions(),
        result.records(),
        target,
        result.lostBytes() == 0
            ? "nothing is lost"
            : "%,d bytes are lost: look at it with zrs check --refs".formatted(result.lostBytes()));
    return result.lostBytes() == 0 ? Main.GOOD : Main.BAD;
  }
}
