package dev.zrs.zookeeper;

import java.util.Optional;

/**
 * Where a server listens, as the name of its node says it.
 *
 * @param host a name or an address; of IPv6 without brackets
 */
public record ServerAddress(String host, int port) implements Comparable<ServerAddress> {
  private static final int MAX_PORT = 65_535;

  /** Reads {@code HOST:PORT} or {@code [IPV6]:PORT}; empty if it is neither. */
  public static Optional<ServerAddress> parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 1) {
      return Optional.empty();
    }
    String host = text.substring(0, colon);
    boolean brackets = host.startsWith("[") && host.endsWith("]");
    String bare = brackets ? host.substring(1, host.length() - 1) : host;
    String port = text.substring(colon + 1);
    boolean number =
        !port.isEmpty() && port.length() <= 5 && port.chars().allMatch(ServerAddress::digit);
    if (!number || bare.isEmpty() || bare.contains("/") || (bare.contains(":") && !brackets)) {
      return Optional.empty();
    }
    int value = Integer.parseInt(port);
    return value < 1 || value > MAX_PORT
        ? Optional.empty()
        : Optional.of(new ServerAddress(bare, value));
  }

  private static boolean digit(int character) {
    return character >= '0' && character <= '9';
  }

  /** As it is written. */
  public String text() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  @Override
  public int compareTo(ServerAddress other) {
    return text().compareTo(other.text());
  }
}
