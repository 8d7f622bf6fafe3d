package dev.zrs.server.logging;

import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.Location;
import java.util.Optional;

/**
 * One {@code <syslog>} section.
 *
 * @param address a unix socket such as {@code /dev/log}, or a host and a port for UDP
 */
public record Syslog(
    Address address, SyslogFacility facility, LogLayout layout, Optional<Location> location)
    implements LogHandler {
  /** ZConfig's default for {@code format}. */
  public static final String DEFAULT_FORMAT = "%(name)s %(message)s";
}
