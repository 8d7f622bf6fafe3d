package dev.zrs.server.config;

import java.util.List;
import java.util.Optional;

/**
 * The options of runzeo that complete or override the configuration file, as they were typed.
 *
 * @param address {@code -a}: PORT, HOST:PORT or PATH
 * @param filenames {@code -f}, each a file storage named 1, 2, ...; they replace all storages of
 *     the file
 * @param timeout {@code -t}: transaction timeout in seconds
 * @param pidFile {@code --pid-file}
 */
public record CommandLine(
    Optional<String> address,
    List<String> filenames,
    Optional<String> timeout,
    Optional<String> pidFile) {
  /** No options. */
  public static final CommandLine NONE =
      new CommandLine(Optional.empty(), List.of(), Optional.empty(), Optional.empty());

  public CommandLine {
    filenames = List.copyOf(filenames);
  }
}
