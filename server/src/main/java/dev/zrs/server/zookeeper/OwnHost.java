package dev.zrs.server.zookeeper;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** What other machines are told to connect to. */
final class OwnHost {
  private OwnHost() {}

  /**
   * Of a server that listens at one address this address; else the full name of this machine, as
   * far as the resolver knows one, which may take a while.
   */
  static String reachable(InetSocketAddress listening) {
    InetAddress address = listening.getAddress();
    return address == null || address.isAnyLocalAddress() ? fullName() : listening.getHostString();
  }

  /** Whether a host's name is one of this machine for itself only; nothing is looked up. */
  static boolean isLoopback(String host) {
    return host.equals("localhost")
        || host.startsWith("localhost.")
        || host.startsWith("127.")
        || host.equals("::1");
  }

  private static String fullName() {
    try {
      InetAddress own = InetAddress.getLocalHost();
      String full = own.getCanonicalHostName();
      // Where nothing is known of the address, this is the address itself.
      return full.equals(own.getHostAddress()) ? own.getHostName() : full;
    } catch (UnknownHostException e) {
      // The name is there, without an address.
      String message = String.valueOf(e.getMessage());
      int colon = message.indexOf(':');
      return colon > 0 ? message.substring(0, colon) : "localhost";
    }
  }
}
