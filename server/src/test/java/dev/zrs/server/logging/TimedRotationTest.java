package dev.zrs.server.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that are rotated by time are equal to those that ZConfig's handler leaves. */
@Timeout(60)
class TimedRotationTest {
  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "S|1|3|2023-11-14T22:13:20Z,+1,+1,+0,+5,+1,+1",
        "S|7|2|2023-11-14T22:13:20Z,+6,+1,+6,+1,+60,+6,+7",
        "M|1|3|2023-11-14T22:13:20Z,+59,+1,+59,+1,+600,+60",
        "H|1|2|2023-11-14T22:13:20Z,+3599,+1,+3600,+3599,+1,+9000,+3600",
        "h|6|9|2023-11-14T22:13:20Z,+21599,+1,+21600,+100,+21600",
        "S|100|9|2023-11-14T22:13:20Z,+10,r,+50,r,+70",
        "D|1|2|2023-11-14T22:13:20Z,+86399,+1,+86400,+200000,+86400",
        "d|3|2|2023-11-14T22:13:20Z,+259199,+1,+259200,+900000",
        "midnight|1|2|2023-11-14T21:13:20Z,+3600,+5000,+86400,+80000,+10000,+300000",
        "MIDNIGHT|1|5|2023-11-14T23:00:00Z,+86399,+1,+50,+86400",
        "W0|1|3|2023-11-14T21:13:20Z,+86400,+86400,+86400,+86400,+86400,+86400,+86400,+604800",
        "w1|1|3|2023-11-14T21:13:20Z,+10000,+10000,+604800,+604800",
        "W6|1|3|2023-11-14T21:13:20Z,+432000,+20000,+604800,+604800,+604800,+604800",
        // The clock goes back an hour on 29 October 2023, and forward on 26 March.
        "D|1|5|2023-10-28T10:00:00Z,+86400,+86400,+86400",
        "midnight|1|5|2023-10-28T10:00:00Z,+43200,+43200,+43200,+43200,+3600",
        "midnight|1|5|2023-03-25T10:00:00Z,+43200,+43200,+43200,+43200,+3600",
      })
  void filesAreRotatedAsByPython(String when, int interval, int count, String steps)
      throws IOException {
    Instant start = Instant.parse(steps.substring(0, steps.indexOf(',')));
    String times = absolute(start, steps.substring(steps.indexOf(',') + 1));
    Path theirs = begun("python", start);
    PythonPeer.current()
        .run(
            TimedRotationTest.class,
            "rotate_timed.py",
            BERLIN.getId(),
            theirs.toString(),
            when,
            Integer.toString(interval),
            Integer.toString(count),
            times);

    Path ours = begun("java", start);
    AtomicReference<Instant> now = new AtomicReference<>(start);
    FileOutput output = output(ours, RotationSchedule.of(when, interval), count, now);
    for (String time : times.split(",", -1)) {
      if (time.equals("r")) {
        output.reopen();
      } else {
        now.set(Instant.ofEpochSecond(Long.parseLong(time)));
        output.write(PythonLevel.INFO, "at " + time);
      }
    }
    output.close();

    assertThat(RotationTest.contents(directory.resolve("java")))
        .isEqualTo(RotationTest.contents(directory.resolve("python")));
  }

  private static String absolute(Instant start, String steps) {
    long[] now = {start.getEpochSecond()};
    return Arrays.stream(steps.split(",", -1))
        .map(
            step ->
                step.equals("r")
                    ? step
                    : Long.toString(now[0] += Long.parseLong(step.substring(1))))
        .collect(Collectors.joining(","));
  }

  /** A log that was begun at a time, among other files. */
  private Path begun(String name, Instant start) throws IOException {
    Path folder = Files.createDirectory(directory.resolve(name));
    Files.writeString(folder.resolve("zeo.log.2023-01-01.gz"), "compressed");
    Files.writeString(folder.resolve("zeo.log.bak"), "not ours");
    Path file = Files.writeString(folder.resolve("zeo.log"), "begun\n");
    Files.setLastModifiedTime(file, FileTime.from(start));
    return file;
  }

  private static FileOutput output(
      Path file, RotationSchedule schedule, int count, AtomicReference<Instant> now)
      throws IOException {
    TimedRotation rotation = new TimedRotation(schedule, count, file, now::get, BERLIN);
    return new FileOutput(file, Optional.of(rotation), UTF_8, false);
  }

  @Test
  void anOldFileIsNotReplaced() throws IOException {
    Instant start = Instant.parse("2023-11-14T10:00:00Z");
    Path file = begun("java", start);
    AtomicReference<Instant> now = new AtomicReference<>(start);
    FileOutput output = output(file, RotationSchedule.of("D", 1), 5, now);
    for (int i = 0; i < 3; i++) {
      output.write(PythonLevel.INFO, "part " + i);
      output.reopen();
    }
    output.close();

    assertThat(RotationTest.contents(directory.resolve("java")))
        .containsEntry("zeo.log.2023-11-14", "begun\npart 0\n")
        .containsEntry("zeo.log", "part 1\npart 2\n");
  }

  @Test
  void whatAnotherProgramCallsSimilarlyIsLeftAlone() throws IOException {
    Instant start = Instant.parse("2023-11-14T10:00:00Z");
    Path file = begun("java", start);
    Files.writeString(file.resolveSibling("zeo.log2.2023-01-01"), "another log");
    AtomicReference<Instant> now = new AtomicReference<>(start.plusSeconds(86400));
    FileOutput output = output(file, RotationSchedule.of("D", 1), 1, now);
    output.write(PythonLevel.INFO, "new");
    output.close();

    assertThat(RotationTest.contents(directory.resolve("java")))
        .containsOnlyKeys("zeo.log", "zeo.log2.2023-01-01", "zeo.log.2023-11-14", "zeo.log.bak");
  }
}
