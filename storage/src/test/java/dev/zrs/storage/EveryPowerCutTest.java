package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The power is cut after every operation of a workload. */
@Timeout(3_600)
final class EveryPowerCutTest {
  private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(EveryPowerCutTest.class);

  /** Possibilities of what survives, for each operation. The first two are nothing and all. */
  private static final int SEEDS = System.getenv("ZRS_LONG") == null ? 3 : 24;

  @TempDir private static Path directory = Path.of("unset");

  private static final Logger STORAGE_LOG = (Logger) LoggerFactory.getLogger("ZODB");

  @BeforeAll
  static void quiet() {
    // Each open says what it cut off.
    STORAGE_LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void loud() {
    STORAGE_LOG.setLevel(null);
  }

  @Test
  void what_was_acknowledged_is_there_and_nothing_half() throws IOException {
    CrashRun run = CrashRun.run(directory);
    int points = run.disk().operations() + 1;
    int tried = 0;
    CrashCheck check = new CrashCheck(directory);
    java.util.Map<String, Integer> errors = new java.util.TreeMap<>();
    for (int i = 0; i < points; i++) {
      for (int seed = 0; seed < SEEDS; seed++) {
        String last = i == 0 ? "" : run.disk().operation(i - 1);
        PowerCutDisk left =
            seed == 0
                ? run.disk().killed(i)
                : run.disk().cut(i, seed - 1 < 2 ? seed - 1 : i * 1_000L + seed);
        try {
          check.check(left, run.allowedAt(i), seed);
        } catch (RuntimeException | AssertionError e) {
          String m =
              run.marks().get(run.stepAt(i)).step()
                  + ": "
                  + last
                  + ": "
                  + String.valueOf(e.getMessage()).lines().limit(40).toList();
          m = m.substring(0, Math.min(700, m.length()));
          if (errors.merge(last, 1, Integer::sum) < 3) {
            System.out.println(i + " " + seed + " " + m);
            for (StackTraceElement el : e.getStackTrace())
              if (el.getClassName().startsWith("dev.zrs")) System.out.println("    " + el);
          }
        }
        tried++;
      }
    }
    System.out.println(errors);
    LOG.info("{} points, {} cuts", points, tried);
    assertThat(tried).isGreaterThan(900);
    assertThat(errors).isEmpty();
  }
}
