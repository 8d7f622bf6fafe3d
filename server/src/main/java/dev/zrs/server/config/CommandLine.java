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
 * @param overrides {@code -X}, each {@code SECTION/KEY=VALUE}: keys that replace those of the file
 */
public record CommandLine(
    Optional<String> address,
    List<String> filenames,
    Optional<String> timeout,
    Optional<String> pidFile,
    List<String> overrides) {
  /** No options. */
  public static final CommandLine NONE =
      new CommandLine(Optional.empty(), List.of(), Optional.empty(), Optional.empty(), List.of());

  public CommandLine {
    filenames = List.copyOf(filenames);
    overrides = List.copyOf(overrides);
  }
}
