package dev.zrs.server.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import dev.zrs.zconfig.BadValueException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Log lines and dates are equal to those of Python's logging, or both refuse the format. */
@Timeout(120)
class FormatComparisonTest {
  private static final String REFUSED = "-";

  private static final List<String> FORMATS =
      List.of(
          "",
          "------\n%(asctime)s %(levelname)s %(name)s %(message)s",
          "%(asctime)s %(message)s",
          "%(name)-25s|%(name)25s|%(name).3s|%(name)10.3s|%(name)-10.3s|%(name)010s",
          "%(message)r %(message)a %(name)r %(levelno)r %(created)r",
          "%(process)d %(process)8d %(process)-8d| %(process)08d %(process)+d % (process)d",
          "%(process)x %(process)X %(process)#x %(process)o %(process)#o %(process)#010x",
          "%(process).6d %(process)10.6d %(process)i %(process)u %(levelno)c %(process)s",
          "%(created)f %(created).3f %(created)20.1f %(created)-20.1f| %(created)020.0f",
          "%(created)e %(created).2E %(created)g %(created).12g %(created)#.3g %(created)G",
          "%(created)d %(created)s %(created).0f %(created)#.0f %(process)f %(process)g",
          "%(msecs)03d %(msecs)d %(msecs)s %(msecs)f %(msecs)g %(msecs).2e",
          "%(relativeCreated)d %(relativeCreated)s %(relativeCreated)8.2f",
          "%(thread)d %(threadName)s %(processName)s %(lineno)d %(lineno)5d %(funcName)s",
          "%(pathname)s %(filename)s %(module)s %(levelno)s %(levelname)-8s| %(msg)s",
          "100%% %(message)s%%",
          "%(message)s %(name)%",
          "%(message)s %5%",
          "%(message)s %(process)ld %(name)10.s|",
          "%% %(message)s",
          "%(process)ld %(process)hd %(process)Ld",
          "%(process)-05d| %(process)+05d %(process)+ d %(process)# 0+-8x|",
          "plain",
          "100%",
          "%(message)",
          "%(message",
          "%(message)s %",
          "%(message)s %d",
          "%(message)s %q",
          "%(message)q",
          "%(message)d",
          "%(created)x",
          "%(created)c",
          "%(name)c",
          "%(unknown)s",
          "%()s",
          "%(Message)s",
          "%(message)*s",
          "%(message).*s",
          "%(message)5.s|",
          "%%(message)s",
          "%%");

  private static final List<String> BRACES =
      List.of(
          "",
          "{asctime} {levelname:<8} {name} {message}",
          "{name:>25}|{name:^25}|{name:*<20}|{name:.3}|{name:10.3s}|{name:025}|{name:<025}",
          "{message!r} {message!a} {message!s} {message!r:>30} {levelno!r:>5} {created!r:.4}",
          "{process:d} {process:8} {process:<8}| {process:08} {process:+} {process: d} {process:,}",
          "{process:_} {process:012,} {process:011,} {process:010_} {process:=+10} {process:0=+10}",
          "{process:x} {process:X} {process:#x} {process:o} {process:#o} {process:b} {process:#018b}",
          "{process:_x} {process:#012_x} {process:n} {process:c} {levelno:c} {levelno:^9c}",
          "{process:e} {process:.2f} {process:g} {process:%} {process:,.1f} {process:.3} {process:G}",
          "{created} {created:f} {created:.3f} {created:20.1f} {created:<20.1f}| {created:020.0f}",
          "{created:,} {created:,.2f} {created:_.2f} {created:e} {created:.2E} {created:g} {created:n}",
          "{created:.3} {created:.12} {created:.30} {msecs:.3} {msecs:.4} {msecs:.2} {msecs:.1}",
          "{created:#.0f} {created:.0f} {created:#g} {created:%} {created:.0%} {msecs} {msecs:025,}",
          "{msecs:03} {msecs:03.0f} {relativeCreated:8.2f} {thread} {threadName} {lineno:5d}|",
          "{pathname} {filename} {module} {funcName} {processName} {levelno} {msg}",
          "{{{message}}} {{}} }}{{",
          "{message:\u00e9^20} {message:}^20}",
          "{name: <30}|{process:-}|{process:- 5}",
          "{message:{lineno}}x{",
          "plain",
          "{",
          "}",
          "{message",
          "{message}}",
          "{message}{",
          "{}",
          "{0}",
          "{unknown}",
          "{Message}",
          "{message!x}",
          "{message!}",
          "{message!rr}",
          "{message:d}",
          "{message:+}",
          "{message:#}",
          "{message:=10}",
          "{message:,}",
          "{message:010}",
          "{process:.3d}",
          "{process:s}",
          "{process:+c}",
          "{process:,x}",
          "{process:,n}",
          "{process:#c}",
          "{created:d}",
          "{created:s}",
          "{created:x}",
          "{created:c}",
          "{created:5.}",
          "{message:q}",
          "{message:5 }",
          "{ message}",
          "{message }",
          "{message:z}");

  private static final List<String> TEMPLATES =
      List.of(
          "",
          "$asctime ${levelname} $name ${message}",
          "${message}s $messages",
          "$message.$name,$levelno-$created$msecs",
          "$$ $message $$name",
          "$message $",
          "$message $1",
          "$message ${",
          "$message ${}",
          "$message ${name",
          "$message ${na me}",
          "$unknown",
          "$message $Unknown_1",
          "$message $\u00e9",
          "$message$\u00e9 $name\u00e9",
          "plain",
          "$",
          "100%");

  private static final List<String> DATES =
      List.of(
          "%Y-%m-%dT%H:%M:%S",
          "",
          "%a %A %b %B %h",
          "%c|%x|%X|%D|%F|%T|%R|%r",
          "%C %y %G %g %V",
          "%d %e %j %k %l %I %p %P",
          "%u %w %U %W",
          "%s %z %Z",
          "%n%t%%",
          "%f %Q %",
          "%-d %_d %0e %-H",
          "%^a %^B",
          "%Ey %Od %EY",
          "plain");

  private static final Map<RecordField, Object> RECORD =
      Map.ofEntries(
          Map.entry(RecordField.NAME, "ZEO.StorageServer"),
          Map.entry(RecordField.LEVELNO, 30L),
          Map.entry(RecordField.LEVELNAME, "WARNING"),
          Map.entry(RecordField.PATHNAME, "/a/Server.java"),
          Map.entry(RecordField.FILENAME, "Server.java"),
          Map.entry(RecordField.MODULE, "Server"),
          Map.entry(RecordField.LINENO, 42L),
          Map.entry(RecordField.FUNC_NAME, "run"),
          Map.entry(RecordField.CREATED, 1700000000.123456),
          Map.entry(RecordField.ASCTIME, "DATE"),
          Map.entry(RecordField.MSECS, 123.0),
          Map.entry(RecordField.RELATIVE_CREATED, 1234.5678),
          Map.entry(RecordField.THREAD, 17L),
          Map.entry(RecordField.THREAD_NAME, "zeo 1 reader"),
          Map.entry(RecordField.PROCESS, 4711L),
          Map.entry(RecordField.PROCESS_NAME, "MainProcess"),
          Map.entry(RecordField.MESSAGE, "it's \u00e9\tdone"),
          Map.entry(RecordField.MSG, "it's \u00e9\tdone"));

  @TempDir private Path directory;

  @Test
  void logLines() throws IOException {
    compare(LogStyle.CLASSIC, FORMATS, "classic");
    compare(LogStyle.FORMAT, BRACES, "format");
    compare(LogStyle.TEMPLATE, TEMPLATES, "template");
    // Python cannot make one of nothing.
    compare(
        LogStyle.SAFE_TEMPLATE,
        TEMPLATES.stream().filter(text -> !text.isEmpty()).toList(),
        "safe-template");
  }

  private void compare(LogStyle style, List<String> formats, String name) throws IOException {
    List<String> expected = python(formats, "lines", name);

    List<String> actual = formats.stream().map(format -> ours(style, format)).toList();
    assertThat(String.join("\n", pairs(formats, actual)))
        .isEqualTo(String.join("\n", pairs(formats, expected)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"})
  void dates(String zone) throws IOException {
    List<Instant> instants =
        List.of(
            Instant.parse("2023-11-14T22:13:20.750Z"),
            Instant.parse("2023-12-31T23:59:59Z"),
            Instant.parse("2005-01-01T00:00:00.500Z"),
            Instant.parse("2024-06-10T06:13:20.250Z"),
            Instant.parse("2000-02-29T00:00:00Z"));
    List<String> keys = new ArrayList<>();
    List<String> actual = new ArrayList<>();
    for (Instant instant : instants) {
      for (String format : DATES) {
        keys.add(instant + " " + format);
        actual.add(new Strftime(format, ZoneId.of(zone)).format(instant));
      }
    }

    assertThat(pairs(keys, actual))
        .containsExactlyElementsOf(pairs(keys, python(DATES, "dates", zone)));
  }

  private static List<String> pairs(List<String> keys, List<String> values) {
    assertThat(values).hasSameSizeAs(keys);
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      pairs.add(keys.get(i) + " -> " + values.get(i));
    }
    return pairs;
  }

  private static String ours(LogStyle style, String format) {
    try {
      return PythonFormat.parse(style, format)
          .format(field -> Objects.requireNonNull(RECORD.get(field)));
    } catch (BadValueException e) {
      return REFUSED;
    }
  }

  private List<String> python(List<String> texts, String... more) throws IOException {
    Path input = directory.resolve("input");
    Files.write(
        input, texts.stream().map(t -> HexFormat.of().formatHex(t.getBytes(UTF_8))).toList());
    List<String> arguments = new ArrayList<>(List.of(input.toString()));
    arguments.addAll(List.of(more));
    byte[] output =
        PythonPeer.current()
            .run(FormatComparisonTest.class, "format.py", arguments.toArray(String[]::new));
    return new String(output, UTF_8)
        .lines()
        .map(
            line ->
                line.equals(REFUSED)
                    ? REFUSED
                    : new String(HexFormat.of().parseHex(line.substring(1)), UTF_8))
        .toList();
  }
}
