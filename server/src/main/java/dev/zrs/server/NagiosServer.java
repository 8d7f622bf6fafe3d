package dev.zrs.server;

import dev.zrs.server.logging.Repr;
import dev.zrs.storage.Tid;
import dev.zrs.zeo.Ruok;
import dev.zrs.zeo.ZeoConnectException;
import dev.zrs.zeo.ZeoException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.SortedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server that the nagios check speaks to, as zc.zrs writes and names it: {@code HOST:PORT},
 * {@code [IPV6]:PORT}, or the path of a unix socket; here also a port of this machine.
 *
 * @param role primary or secondary
 * @param text as it was given
 * @param socket where to connect; a host name is not looked up yet
 */
record NagiosServer(String role, String text, SocketAddress socket) {
  private static final Pattern INET =
      Pattern.compile("(?:\\[([^\\s/]+)]|([^\\s/]+)):([0-9]+)|([0-9]+)");
  private static final int HIGHEST_PORT = 65_535;

  /** Python puts the system's numbers before its messages; these are Linux's. */
  private static final Map<String, Integer> ERROR_NUMBERS =
      Map.of(
          "No such file or directory", 2,
          "Permission denied", 13,
          "Not a directory", 20,
          "Network is unreachable", 101,
          "Connection reset by peer", 104,
          "Connection timed out", 110,
          "Connection refused", 111,
          "No route to host", 113);

  /**
   * Reads an address.
   *
   * @throws NagiosException if it can't be one
   */
  static NagiosServer parse(String role, String text) {
    Matcher inet = INET.matcher(text);
    try {
      SocketAddress socket = inet.matches() ? socket(inet) : UnixDomainSocketAddress.of(text);
      return new NagiosServer(role, text, socket);
    } catch (IllegalArgumentException e) {
      throw new NagiosException(cannotConnect(role, text, e), e);
    }
  }

  private static SocketAddress socket(Matcher inet) {
    if (inet.group(4) != null) {
      return InetSocketAddress.createUnresolved("localhost", port(inet.group(4)));
    }
    String host = inet.group(1) != null ? inet.group(1) : inet.group(2);
    return InetSocketAddress.createUnresolved(host, port(inet.group(3)));
  }

  private static int port(String digits) {
    if (digits.length() > 5 || Integer.parseInt(digits) > HIGHEST_PORT) {
      throw new IllegalArgumentException("port must be 0-" + HIGHEST_PORT);
    }
    return Integer.parseInt(digits);
  }

  /**
   * The last tid of each of its storages.
   *
   * @param limit how long connecting, and then the answer, may take
   * @throws NagiosException if it does not say
   */
  SortedMap<String, Tid> lastTransactions(Duration limit) {
    try {
      return Ruok.lastTransactions(socket, limit);
    } catch (ZeoConnectException e) {
      throw new NagiosException(cannotConnect(role, text, e.reason()), e);
    } catch (ZeoException e) {
      throw new NagiosException(
          "No status from %s at %s: %s".formatted(role, Repr.of(text, false), e.getMessage()), e);
    }
  }

  private static String cannotConnect(String role, String text, Exception reason) {
    String message = String.valueOf(reason.getMessage());
    Integer number = ERROR_NUMBERS.get(message);
    return "Can't connect to %s at %s: %s"
        .formatted(
            role,
            Repr.of(text, false),
            reason instanceof UnknownHostException
                ? "[Errno -2] Name or service not known"
                : number == null ? message : "[Errno %d] %s".formatted(number, message));
  }
}
