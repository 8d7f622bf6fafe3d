package dev.zrs.server.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our rotated files are equal to those that ZConfig's handler leaves. */
@Timeout(60)
class RotationTest {
  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "40|2|5,5,5,5,5,5,5,5,5,5",
        "40|1|5,5,5,5,5,5,5,5,5,5",
        "40|3|30,30,1,1,1,100,1,1",
        "1000|2|5,5,0,5,0,0,5",
        "12|3|1,2,3,4,5,6,7,8",
      })
  void filesAreRotatedAsByPython(long size, int count, String lengths) throws IOException {
    Path theirs = Files.createDirectory(directory.resolve("python"));
    PythonPeer.current()
        .run(
            RotationTest.class,
            "rotate.py",
            theirs.resolve("zeo.log").toString(),
            Long.toString(size),
            Integer.toString(count),
            lengths);
    Path ours = Files.createDirectory(directory.resolve("java"));
    FileOutput output =
        new FileOutput(
            ours.resolve("zeo.log"), Optional.of(new SizeRotation(size, count)), UTF_8, false);
    int number = 0;
    for (String length : lengths.split(",", -1)) {
      if (length.equals("0")) {
        output.reopen();
      } else {
        output.write(PythonLevel.INFO, number + " " + "\u00e9".repeat(Integer.parseInt(length)));
      }
      number++;
    }
    output.close();

    assertThat(contents(ours)).isEqualTo(contents(theirs));
  }

  static Map<String, String> contents(Path directory) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        contents.put(file.getFileName().toString(), Files.readString(file, UTF_8));
      }
    }
    return contents;
  }
}
