package dev.zrs.server;

import dev.zrs.storage.FileCheck;
import dev.zrs.storage.Printable;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.ReferenceCheck;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code zrs check}: whether a Data.fs is whole. */
@Command(
    name = "check",
    description =
        "Checks the structure of a Data.fs, as fstest does, and with --refs that no object refers"
            + " to one that does not exist, as fsrefs does. Changes nothing; the file may be in"
            + " use.",
    footer = "Exit codes: 0 no problem; 1 problems, or the file can't be read; 2 usage.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class CheckCommand extends FileCommand {
  @Parameters(paramLabel = "FILE", description = "the Data.fs")
  private Path file = Path.of("");

  @Option(names = "--refs", description = "look for references to objects that do not exist")
  private boolean references;

  @Option(names = "--json", description = "write a JSON object a line")
  private boolean json;

  @Override
  Path file() {
    return file;
  }

  @Override
  int run() {
    long problems = checkStructure();
    if (references && problems == 0) {
      problems += checkReferences();
    }
    return problems == 0 ? Main.GOOD : Main.BAD;
  }

  private long checkStructure() {
    FileCheck.Result result;
    try (ProgressLine line = new ProgressLine()) {
      result = FileCheck.run(file, new RealDisk(), this::print, progress(line, "structure", true));
    }
    if (json) {
      out.println(
          new Json()
              .put("checked", "structure")
              .put("size", result.size())
              .put("transactions", result.transactions())
              .put("records", result.records())
              .put("problems", result.problems())
              .put("last-tid", result.lastTid().toString())
              .put("unfinished-bytes", result.unfinishedBytes()));
    } else {
      out.printf(
          Locale.ROOT,
          "%,d transactions with %,d records in %,d bytes, the last one %s (%s UTC): %s%n",
          result.transactions(),
          result.records(),
          result.size(),
          result.lastTid(),
          result.lastTid().toUtcText(),
          result.problems() == 0 ? "no problem" : result.problems() + " problems");
      if (result.unfinishedBytes() > 0) {
        out.printf(
            Locale.ROOT,
            "note: the last %,d bytes are of a transaction that is being written, or that a crash"
                + " has left; the next start cuts them off%n",
            result.unfinishedBytes());
      }
    }
    return result.problems();
  }

  private void print(FileCheck.Problem problem) {
    if (json) {
      out.println(
          new Json()
              .put("position", problem.position())
              .put("tid", problem.tid() == null ? null : problem.tid().toString())
              .put("oid", problem.oid() == null ? null : problem.oid().toString())
              .put("problem", problem.what()));
    } else {
      out.printf(
          Locale.ROOT,
          "position %d%s%s: %s%n",
          problem.position(),
          problem.tid() == null ? "" : ", transaction " + problem.tid(),
          problem.oid() == null ? "" : ", oid " + problem.oid(),
          problem.what());
    }
  }

  private long checkReferences() {
    ReferenceCheck.Result result;
    try (ProgressLine line = new ProgressLine()) {
      result =
          ReferenceCheck.run(
              file, new RealDisk(), this::print, progress(line, "references", false));
    }
    if (json) {
      out.println(
          new Json()
              .put("checked", "references")
              .put("objects", result.objects())
              .put("problems", result.problems()));
    } else {
      out.printf(
          Locale.ROOT,
          "references of %,d objects: %s%n",
          result.objects(),
          result.problems() == 0 ? "no problem" : result.problems() + " problems");
    }
    return result.problems();
  }

  private void print(ReferenceCheck.Problem problem) {
    if (json) {
      out.println(
          new Json()
              .put("oid", problem.oid().toString())
              .put("serial", problem.serial().toString())
              .put("class", problem.className())
              .put("problem", problem.what()));
    } else {
      out.printf(
          Locale.ROOT,
          "oid %s (%s, last changed by %s): %s%n",
          problem.oid(),
          Printable.of(problem.className()),
          problem.serial(),
          problem.what());
    }
  }
}
