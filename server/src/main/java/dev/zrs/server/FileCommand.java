package dev.zrs.server;

import dev.zrs.storage.FileProgress;
import dev.zrs.storage.StorageException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/**
 * What the commands have in common that work on a file: one clear line for what goes wrong, and
 * their exit codes.
 */
abstract class FileCommand implements Callable<Integer> {
  /** Where results go. */
  final PrintStream out = System.out;

  /** Where errors go. */
  final PrintStream err = System.err;

  /** The file that must be there. */
  abstract Path file();

  /** Does it; the exit code. */
  abstract int run();

  @Override
  public final Integer call() {
    if (!Files.isRegularFile(file())) {
      err.println("Error: " + file() + (Files.exists(file()) ? " is no file" : " does not exist"));
      return Main.USAGE;
    }
    try {
      int code = run();
      out.flush();
      return code;
    } catch (StorageException e) {
      out.flush();
      err.println("Error: " + e.getMessage());
      return Main.BAD;
    }
  }

  /** Shows a progress in bytes, or else in things, on the terminal. */
  static FileProgress progress(ProgressLine line, String name, boolean bytes) {
    return (done, total) -> line.show(name, done, total, bytes);
  }
}
