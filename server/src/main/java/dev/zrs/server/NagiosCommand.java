package dev.zrs.server;

import dev.zrs.storage.Tid;
import java.nio.charset.Charset;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code zrs nagios}: zc.zrs's {@code zrs-nagios}, with its options, output and exit codes.
 *
 * <p>It differs in what a lag is. zc.zrs takes the time between the last transactions of the two
 * sides. That is an hour where the primary was idle for an hour and has committed this very moment,
 * and a second, for ever, where the secondary lacks a transaction of last week that was committed a
 * second after the one before it. Here a lag is for how long the secondary has been lacking
 * something: the time since the <em>first</em> transaction that the primary has and the secondary
 * has not. The primary is asked for it over ZEO ({@link LagQuestion}). If it does not say, the lag
 * is at least the time since its last transaction and at most the time since the secondary's; then
 * the line says so, and the latter counts, as a false alarm is better than none.
 *
 * <p>The secondary is asked first, so that a commit between the two questions never makes the
 * primary look as if it were behind.
 */
@Command(
    name = "nagios",
    description =
        "Checks how far a secondary is behind its primary, for Nagios and its like: as zrs-nagios of"
            + " zc.zrs, and right also if the primary is idle. The lag is for how long the secondary"
            + " has been lacking a transaction that the primary has.",
    footer = {
      "One of -m, -w and -e must be there. Asks over ZEO, with the addresses of the two ZEO servers.",
      "Exit codes: 0 good; 1 warning, or no storages; 2 error, or usage."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class NagiosCommand implements Callable<Integer> {
  @Option(
      names = {"-m", "--output-metrics"},
      description = "write the lag as performance data too")
  private boolean metrics;

  @Option(
      names = {"-w", "--warning", "--warn"},
      paramLabel = "SECONDS",
      description = "warn if the lag is greater")
  private long warning;

  @Option(
      names = {"-e", "--error"},
      paramLabel = "SECONDS",
      description = "fail if the lag is greater")
  private long error;

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "SECONDS",
      defaultValue = "10",
      description = "how long each server may take for each answer (default: 10)")
  private int timeout;

  @Parameters(
      arity = "0..*",
      paramLabel = "PRIMARY SECONDARY",
      hideParamSyntax = true,
      description = "HOST:PORT, [IPV6]:PORT, PORT, or the path of a unix socket")
  private List<String> addresses = List.of();

  private final InstantSource clock = InstantSource.system();

  @Override
  public Integer call() {
    if (addresses.size() != 2 || timeout < 1 || !(metrics || warning != 0 || error != 0)) {
      print("Usage: zrs nagios [options] PRIMARY_ADDRESS SECONDARY_ADDRESS\n");
      return Main.USAGE;
    }
    try {
      NagiosReport report =
          check(
              NagiosServer.parse("primary", addresses.getFirst()),
              NagiosServer.parse("secondary", addresses.getLast()));
      print(report.text());
      return report.code();
    } catch (NagiosException e) {
      print(NagiosReport.plain(String.valueOf(e.getMessage())) + "\n");
      return NagiosReport.ERROR;
    }
  }

  private NagiosReport check(NagiosServer primary, NagiosServer secondary) {
    Duration limit = Duration.ofSeconds(timeout);
    SortedMap<String, Tid> there = secondary.lastTransactions(limit);
    double asked = clock.millis() / 1e3;
    SortedMap<String, Tid> here = primary.lastTransactions(limit);
    NagiosReport report = new NagiosReport(warning, error, metrics);
    if (here.isEmpty() && there.isEmpty()) {
      report.noStorages();
    }
    LagQuestion question = new LagQuestion(primary.socket(), limit);
    here.forEach(
        (storage, last) -> {
          Tid replicated = there.get(storage);
          if (replicated == null) {
            report.onlyIn("primary", "secondary", storage);
          } else {
            report.add(storage, question.ask(storage, last, replicated, asked));
          }
        });
    there.keySet().stream()
        .filter(storage -> !here.containsKey(storage))
        .forEach(storage -> report.onlyIn("secondary", "primary", storage));
    return report;
  }

  /** In one piece, as whoever runs such checks may read only once. */
  private static void print(String text) {
    Charset charset = System.out.charset();
    byte[] bytes = text.getBytes(charset);
    System.out.write(bytes, 0, bytes.length);
    System.out.flush();
  }
}
