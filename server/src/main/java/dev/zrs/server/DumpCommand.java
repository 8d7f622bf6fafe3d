package dev.zrs.server;

import dev.zrs.storage.FileDump;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** {@code zrs dump}: what is in a Data.fs. */
@Command(
    name = "dump",
    description =
        "Lists the transactions of a Data.fs and their records, as fsdump does. Changes nothing;"
            + " the file may be in use.",
    footer = "Exit codes: 0 good; 1 the file is damaged or can't be read; 2 usage.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class DumpCommand extends FileCommand {
  @Parameters(paramLabel = "FILE", description = "the Data.fs")
  private Path file = Path.of("");

  @Option(
      names = "--from",
      paramLabel = "TID",
      description = "the first transaction: 16 hex digits, or a UTC time such as 2026-03-01T12:00",
      converter = TidOrTime.class)
  private Tid from = Tid.NONE;

  @Option(
      names = "--to",
      paramLabel = "TID",
      description = "the last transaction, in the same form",
      converter = TidOrTime.class)
  private Tid to = new Tid(-1);

  @Option(
      names = "--json",
      description = "write a JSON object for each transaction, with a list of its records")
  private boolean json;

  /** A tid as 16 hexadecimal digits, or the tid of a time. */
  static final class TidOrTime implements ITypeConverter<Tid> {
    @Override
    public Tid convert(String text) {
      if (text.matches("[0-9a-fA-F]{16}")) {
        return new Tid(Long.parseUnsignedLong(text, 16));
      }
      try {
        LocalDateTime time =
            text.contains("T") ? LocalDateTime.parse(text) : LocalDate.parse(text).atStartOfDay();
        return Tid.of(time.toInstant(ZoneOffset.UTC));
      } catch (DateTimeException e) {
        throw new TypeConversionException(
            "'%s' is neither a tid of 16 hex digits nor a time such as 2026-03-01T12:00"
                .formatted(text));
      }
    }
  }

  @Override
  Path file() {
    return file;
  }

  @Override
  int run() {
    // Many lines: not one write for each.
    PrintStream lines =
        new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16),
            false,
            StandardCharsets.UTF_8);
    try {
      FileDump.run(file, new RealDisk(), from, to, json ? new JsonLines(lines) : new Text(lines));
    } finally {
      lines.flush();
    }
    return Main.GOOD;
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static final class Text implements FileDump.Visitor {
    private final PrintStream out;

    Text(PrintStream out) {
      this.out = out;
    }

    @Override
    public void transaction(FileDump.Transaction transaction) {
      out.printf(
          Locale.ROOT,
          "transaction %s (%s UTC) at %d, %d bytes, status '%s', user '%s', '%s'%n",
          transaction.tid(),
          transaction.tid().toUtcText(),
          transaction.position(),
          transaction.length(),
          transaction.status(),
          printable(text(transaction.metadata().user())),
          printable(text(transaction.metadata().description())));
    }

    @Override
    public void record(FileDump.Entry record) {
      String what;
      if (record.className() == null) {
        what = "creation undone or object deleted";
      } else if (record.size() == 0) {
        what = record.className() + ", as in transaction " + record.dataTid();
      } else {
        what = record.className() + ", " + record.size() + " bytes";
      }
      out.printf(
          Locale.ROOT, "  oid %s at %d: %s%n", record.oid(), record.position(), printable(what));
    }

    @Override
    public void end() {
      if (out.checkError()) {
        throw new StorageException("writing the output failed");
      }
    }

    private static String printable(String text) {
      return text.replaceAll("\\p{Cntrl}", "?");
    }
  }

  private static final class JsonLines implements FileDump.Visitor {
    private final PrintStream out;
    private @Nullable Json transaction;
    private StringJoiner records = new StringJoiner(",", "[", "]");

    JsonLines(PrintStream out) {
      this.out = out;
    }

    @Override
    public void transaction(FileDump.Transaction begun) {
      records = new StringJoiner(",", "[", "]");
      transaction =
          new Json()
              .put("tid", begun.tid().toString())
              .put("time", begun.tid().toInstant().toString())
              .put("position", begun.position())
              .put("length", begun.length())
              .put("status", String.valueOf(begun.status()))
              .put("user", text(begun.metadata().user()))
              .put("description", text(begun.metadata().description()))
              .put("extension-bytes", begun.metadata().extension().length);
    }

    @Override
    public void record(FileDump.Entry record) {
      Tid dataTid = record.dataTid();
      records.add(
          new Json()
              .put("oid", record.oid().toString())
              .put("serial", record.tid().toString())
              .put("position", record.position())
              .put("size", record.size())
              .put("class", record.className())
              .put("data-tid", dataTid == null ? null : dataTid.toString())
              .toString());
    }

    @Override
    public void end() {
      if (transaction != null) {
        out.println(transaction.raw("records", records.toString()));
      }
      if (out.checkError()) {
        throw new StorageException("writing the output failed");
      }
    }
  }
}
