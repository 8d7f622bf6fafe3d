package dev.zrs.storage;

import dev.zrs.testkit.PythonPeer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A process with differential.py, which serves one storage after the other. */
final class PythonStorage implements AutoCloseable {
  private static final int SHOWN_ERROR = 3_000;

  private final Process process;
  private final Path errors;
  private final Writer input;
  private final BufferedReader output;

  /**
   * Starts it.
   *
   * @param directory for the script and what it complains of
   */
  PythonStorage(Path directory) throws IOException {
    Path script = directory.resolve("differential.py");
    try (var in = PythonStorage.class.getResourceAsStream("differential.py")) {
      if (in == null) {
        throw new AssertionError("no differential.py beside " + PythonStorage.class);
      }
      Files.copy(in, script);
    }
    errors = directory.resolve("errors");
    process =
        new ProcessBuilder(PythonPeer.current().python().toString(), script.toString())
            .redirectError(errors.toFile())
            .start();
    input = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.US_ASCII);
    output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** The one line that it answers. */
  String call(String line) {
    begin(line);
    return end(line);
  }

  /** Has it begin; {@link #end} waits for the answer. */
  void begin(String line) {
    try {
      input.write(line + "\n");
      input.flush();
    } catch (IOException e) {
      throw failed(line, e);
    }
  }

  /** The answer to what it was told to begin. */
  String end(String line) {
    try {
      String answer = output.readLine();
      if (answer == null || answer.equals("FAILED")) {
        throw failed(line, null);
      }
      return answer;
    } catch (IOException e) {
      throw failed(line, e);
    }
  }

  private AssertionError failed(String line, @Nullable IOException cause) {
    String said;
    try {
      said = Files.readString(errors);
    } catch (IOException e) {
      said = e.toString();
    }
    return new AssertionError(
        "Python failed at %s:%n%s"
            .formatted(line, said.substring(Math.max(0, said.length() - SHOWN_ERROR))),
        cause);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
