package dev.zrs.server.directory;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How it stands with a path in a directory.
 *
 * @param connectionString the directory, as it was configured
 * @param path the node below which servers are registered
 * @param addresses those that are known below it; of a registration its own
 * @param awaySince since when the directory can't be reached; empty if it can
 * @param problem why the addresses are not, or may not be, what is registered; empty if they are
 */
public record DirectoryStatus(
    String connectionString,
    String path,
    List<String> addresses,
    Optional<Instant> awaySince,
    Optional<String> problem) {
  public DirectoryStatus {
    addresses = List.copyOf(addresses);
  }
}
