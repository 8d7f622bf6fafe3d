package dev.zrs.zeo;

import java.net.InetSocketAddress;
import java.net.SocketAddress;

/** Socket addresses as text. */
final class Addresses {
  private Addresses() {}

  /** {@code host:port}, {@code [host]:port} or the path of a unix socket. */
  static String text(SocketAddress address) {
    if (!(address instanceof InetSocketAddress inet)) {
      return address.toString();
    }
    String host = inet.isUnresolved() ? inet.getHostString() : inet.getAddress().getHostAddress();
    return host.indexOf(':') >= 0
        ? "[%s]:%d".formatted(host, inet.getPort())
        : "%s:%d".formatted(host, inet.getPort());
  }

  /** As Python prints it, which people's log watchers know. */
  static String pythonText(SocketAddress address) {
    if (!(address instanceof InetSocketAddress inet)) {
      return address.toString();
    }
    String host = inet.isUnresolved() ? inet.getHostString() : inet.getAddress().getHostAddress();
    return "('%s', %d)".formatted(host, inet.getPort());
  }
}
