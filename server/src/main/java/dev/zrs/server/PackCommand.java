package dev.zrs.server;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.PackOptions;
import dev.zrs.storage.PackProgress;
import dev.zrs.storage.PackReport;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.StorageLockedException;
import dev.zrs.storage.StorageOptions;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.DataTypes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code zrs pack}: packs a storage that nobody has open. */
@Command(
    name = "pack",
    description =
        "Packs a Data.fs at rest: removes old revisions, and objects that can't be reached any"
            + " more. A running server is packed over ZEO instead, with zeopack.",
    footer = "Exit codes: 0 packed, or nothing to do; 1 it failed, nothing is changed; 2 usage.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class PackCommand extends FileCommand {
  private static final double DAY_SECONDS = 86_400;

  @Parameters(paramLabel = "FILE", description = "the Data.fs")
  private Path file = Path.of("");

  @Option(
      names = "--blobs",
      paramLabel = "FOLDER",
      description = "its blob directory, if it has one")
  private @Nullable Path blobs;

  @Option(
      names = "--days",
      paramLabel = "N",
      description = "keep what was current at any time of the last N days (default: 0)",
      defaultValue = "0")
  private String days = "0";

  @Option(names = "--no-gc", description = "remove old revisions only (pack-gc false)")
  private boolean noGarbage;

  @Option(names = "--no-keep-old", description = "keep no Data.fs.old (pack-keep-old false)")
  private boolean noOld;

  @Option(
      names = "--rate",
      paramLabel = "BYTES",
      description =
          "read and write at most so many bytes a second, also with KB, MB or GB (pack-rate;"
              + " default: no limit)",
      defaultValue = "0")
  private String rate = "0";

  @Option(
      names = "--gc-anyway",
      description =
          "remove unreachable objects even if there are records that can't be read. Without it the"
              + " pack keeps them all then, and says how many would go. Also in a copy that may not"
              + " be complete")
  private boolean garbageAnyway;

  @Override
  Path file() {
    return file;
  }

  @Override
  int run() {
    if (blobs != null && !Files.isDirectory(blobs)) {
      err.println("Error: " + blobs + " is no directory");
      return Main.USAGE;
    }
    StorageOptions options = StorageOptions.of(file).withPack(!noGarbage, !noOld);
    double seconds;
    try {
      seconds = number(days) * DAY_SECONDS;
    } catch (BadValueException e) {
      err.println("Error: --days: " + e.reason());
      return Main.USAGE;
    }
    try {
      options = options.withPackRate(bytesPerSecond(rate));
    } catch (BadValueException e) {
      err.println("Error: --rate: " + e.reason());
      return Main.USAGE;
    }
    if (blobs != null) {
      options = options.withBlobDirectory(blobs);
    }
    InstantSource clock = InstantSource.system();
    double time = Math.max(0, clock.millis() / 1e3 - seconds);
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), clock)) {
      // At a signal the pack ends and cleans up. After it, closing again is harmless.
      Runtime.getRuntime()
          .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(storage::close));
      print(
          pack(
              storage,
              PackOptions.of(options, PackOptions.tidOf(time)).withGarbageAnyway(garbageAnyway)));
      return Main.GOOD;
    } catch (StorageLockedException e) {
      err.println("Error: " + e.getMessage() + "; pack a running server with zeopack");
      return Main.BAD;
    }
  }

  private static double number(String text) {
    try {
      double number = Double.parseDouble(text);
      if (number >= 0 && Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException e) {
      // The same answer.
    }
    throw new BadValueException("'" + text + "' is not a number of days >= 0");
  }

  private static long bytesPerSecond(String text) {
    long bytes = DataTypes.BYTE_SIZE.parse(text);
    if (bytes < 0) {
      throw new BadValueException(text + " is not a number of bytes >= 0");
    }
    return bytes;
  }

  private static PackReport pack(FileStorage storage, PackOptions options) {
    try (ProgressLine line = new ProgressLine()) {
      return storage.pack(
          options,
          (phase, done, total) ->
              line.show(
                  phase.toString().toLowerCase(Locale.ROOT),
                  done,
                  total,
                  phase != PackProgress.Phase.MARK));
    }
  }

  private void print(PackReport report) {
    if (!report.packed()) {
      out.println("nothing to remove");
    } else {
      out.printf(
          Locale.ROOT,
          "packed from %,d to %,d bytes: %,d records removed%n",
          report.sizeBefore(),
          report.sizeAfter(),
          report.removedRecords());
      for (PackReport.RemovedClass removed : report.removedClasses()) {
        out.printf(
            Locale.ROOT,
            "  %s: %,d records, %,d bytes%n",
            removed.className(),
            removed.records(),
            removed.bytes());
      }
    }
    if (report.unreadableCount() > 0) {
      // The records themselves were named in the log, which goes to standard error.
      out.printf(
          Locale.ROOT,
          report.garbageKept()
              ? "%,d records can't be read, so no garbage was removed; with --gc-anyway %,d objects"
                  + " would go%n"
              : "%,d records can't be read; %,d objects were removed as garbage%n",
          report.unreadableCount(),
          report.garbage());
    } else if (report.garbageUnknown()) {
      out.println(
          "the last transaction was packed by the upstream, and what refers to the objects here may"
              + " still be on its way: no garbage was removed");
    } else if (!noGarbage) {
      out.printf(Locale.ROOT, "%,d objects were garbage%n", report.garbage());
    }
    if (report.danglingReferences() > 0) {
      out.printf(
          Locale.ROOT,
          "%,d references lead to objects that do not exist: see zrs check --refs%n",
          report.danglingReferences());
    }
  }
}
