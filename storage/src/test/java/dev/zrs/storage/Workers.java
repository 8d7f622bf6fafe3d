package dev.zrs.storage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Does numbered pieces of work on all processors. */
final class Workers {
  private Workers() {}

  /** What one worker does; it has a directory of its own. */
  interface Work {
    void run(Path directory, Iterable<Integer> numbers) throws Exception;
  }

  /** Hands the numbers from 0 to {@code count - 1} out; returns when all is done. */
  static void run(Path directory, int count, Work work) throws Exception {
    int workers = Math.min(4, Runtime.getRuntime().availableProcessors());
    List<Future<?>> futures = new ArrayList<>();
    try (ExecutorService executor = Executors.newFixedThreadPool(workers)) {
      for (int worker = 0; worker < workers; worker++) {
        Path own = Files.createTempDirectory(directory, "worker");
        List<Integer> numbers = new ArrayList<>();
        for (int number = worker; number < count; number += workers) {
          numbers.add(number);
        }
        futures.add(
            executor.submit(
                () -> {
                  work.run(own, numbers);
                  return null;
                }));
      }
    }
    for (Future<?> future : futures) {
      try {
        future.get();
      } catch (ExecutionException e) {
        throw new AssertionError(e.getMessage(), e);
      }
    }
  }
}
