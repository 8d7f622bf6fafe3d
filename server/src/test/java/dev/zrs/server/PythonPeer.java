package dev.zrs.server;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A Python environment with the real ZODB and ZEO, below the directory that the system property
 * {@code zrs.peers} names. A missing one fails the test.
 */
public record PythonPeer(Path python) {
  /** The newest ZODB and ZEO. */
  public static PythonPeer current() {
    Path python = Path.of(System.getProperty("zrs.peers", "."), "current", "bin", "python");
    if (!Files.isExecutable(python)) {
      throw new AssertionError(
          "this test needs the Python peers, but there is no " + python + ": set -Dzrs.peers");
    }
    return new PythonPeer(python);
  }

  /** Runs a script that lies beside a class, for a minute at most, and answers its output. */
  public byte[] run(Class<?> owner, String script, String... args) throws IOException {
    List<String> command = new ArrayList<>(List.of(python.toString(), "-"));
    command.addAll(List.of(args));
    Path input = Files.createTempFile("peer", ".py");
    Path output = Files.createTempFile("peer", ".out");
    Path errors = Files.createTempFile("peer", ".err");
    try (InputStream resource = owner.getResourceAsStream(script)) {
      if (resource == null) {
        throw new AssertionError("no resource " + script + " beside " + owner);
      }
      Files.write(input, resource.readAllBytes());
      Process process =
          new ProcessBuilder(command)
              .redirectInput(input.toFile())
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile())
              .start();
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(script + " did not end");
      }
      if (process.exitValue() != 0) {
        throw new AssertionError(
            script + " failed:\n" + Files.readString(errors, StandardCharsets.UTF_8));
      }
      return Files.readAllBytes(output);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while running " + script, e);
    } finally {
      for (Path file : List.of(input, output, errors)) {
        Files.delete(file);
      }
    }
  }
}
