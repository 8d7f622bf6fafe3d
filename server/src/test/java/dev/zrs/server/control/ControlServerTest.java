package dev.zrs.server.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

final class ControlServerTest {
  /** What Java takes of the 108 bytes of the system. */
  private static final int LONGEST = 106;

  @TempDir private Path directory = Path.of("unset");

  /** Whatever the name is that the socket has for a moment. */
  @RepeatedTest(20)
  void a_path_may_be_as_long_as_the_system_takes() throws IOException {
    int room = LONGEST - directory.toString().length() - "//Data.fs.control".length();
    Path folder = Files.createDirectory(directory.resolve("x".repeat(room)));
    Path path = folder.resolve("Data.fs.control");
    assertThat(path.toString()).hasSize(LONGEST);
    try (ControlServer server = ControlServer.open(path, words -> new Reply(0, words.toString()))) {
      assertThat(ControlClient.send(path, List.of("a", "b")).text()).isEqualTo("[a, b]");
      assertThat(server).isNotNull();
    }
    try (var left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }
}
