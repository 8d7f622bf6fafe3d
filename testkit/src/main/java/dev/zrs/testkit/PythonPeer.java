package dev.zrs.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A Python environment with the real ZODB and ZEO, to compare with. Where the environments are says
 * the system property {@value #PROPERTY}. A missing one fails the test: a comparison that is
 * skipped where it can't run proves nothing.
 *
 * @param python the interpreter
 */
public record PythonPeer(Path python) {
  /** Names the directory that holds the environments {@code current} and {@code legacy}. */
  public static final String PROPERTY = "zrs.peers";

  private static final Duration TIME_LIMIT = Duration.ofMinutes(2);
  private static final int SHOWN_ERROR = 4_000;

  /** The newest ZODB and ZEO. */
  public static PythonPeer current() {
    return named("current");
  }

  /** zc.zrs, with the last ZODB and ZEO that it runs on. */
  public static PythonPeer legacy() {
    return named("legacy");
  }

  private static PythonPeer named(String environment) {
    String directory = System.getProperty(PROPERTY);
    if (directory == null || directory.isBlank()) {
      throw new AssertionError(
          "this test needs the Python peers: set -D" + PROPERTY + " to their directory");
    }
    Path python = Path.of(directory, environment, "bin", "python");
    if (!Files.isExecutable(python)) {
      throw new AssertionError(
          "this test needs the Python peers, but there is no "
              + python
              + ": make the environments, or set -D"
              + PROPERTY
              + " to their directory");
    }
    return new PythonPeer(python);
  }

  /**
   * Runs a script that lies as a resource beside a class, and answers what it wrote to its standard
   * output.
   *
   * @throws AssertionError if it fails or runs for more than two minutes; with its standard error
   */
  public byte[] run(Class<?> owner, String resource, String... args) {
    Path directory = null;
    try {
      directory = Files.createTempDirectory("python-peer");
      Path script = directory.resolve(resource);
      try (InputStream in = owner.getResourceAsStream(resource)) {
        if (in == null) {
          throw new AssertionError("no resource " + resource + " beside " + owner.getName());
        }
        Files.copy(in, script);
      }
      return run(script, args);
    } catch (IOException e) {
      throw new UncheckedIOException("can't prepare the script " + resource, e);
    } finally {
      delete(directory);
    }
  }

  /**
   * Runs a script, and answers what it wrote to its standard output.
   *
   * @throws AssertionError if it fails or runs for more than two minutes; with its standard error
   */
  public byte[] run(Path script, String... args) {
    List<String> command = new ArrayList<>(List.of(python.toString(), script.toString()));
    command.addAll(List.of(args));
    Path directory = null;
    try {
      directory = Files.createTempDirectory("python-peer");
      // Files, not pipes: nobody needs to read two streams at once.
      Path output = directory.resolve("output");
      Path errors = directory.resolve("errors");
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile())
              .start();
      process.getOutputStream().close();
      if (!process.waitFor(TIME_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(script + " did not end within " + TIME_LIMIT + "\n" + end(errors));
      }
      if (process.exitValue() != 0) {
        throw new AssertionError(
            script + " ended with exit code " + process.exitValue() + "\n" + end(errors));
      }
      return Files.readAllBytes(output);
    } catch (IOException e) {
      throw new UncheckedIOException("can't run " + command, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while running " + script, e);
    } finally {
      delete(directory);
    }
  }

  private static String end(Path errors) throws IOException {
    String text = new String(Files.readAllBytes(errors), StandardCharsets.UTF_8);
    return text.substring(Math.max(0, text.length() - SHOWN_ERROR));
  }

  private static void delete(@Nullable Path directory) {
    if (directory == null) {
      return;
    }
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("can't clean up " + directory, e);
    }
  }
}
