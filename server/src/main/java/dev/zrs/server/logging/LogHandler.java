package dev.zrs.server.logging;

import dev.zrs.zconfig.Location;
import java.util.Optional;

/** A section of an {@code <eventlog>}. */
public sealed interface LogHandler permits LogFile, Syslog {
  /** What is written. */
  LogLayout layout();

  /** Where the section stands; empty if it is a default. */
  Optional<Location> location();
}
