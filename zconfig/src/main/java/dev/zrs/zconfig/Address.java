package dev.zrs.zconfig;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.util.OptionalInt;

/** Where a server listens or a client connects to. */
public sealed interface Address {
  /** How it is written in a configuration. */
  String text();

  /**
   * The address to listen at; no host means all interfaces, no port means a free one. Looks the
   * host up, so it can block.
   */
  SocketAddress toBind();

  /** The address to connect to; no host means this machine. Looks the host up, so it can block. */
  SocketAddress toConnect();

  /** The kind of socket that the address is for. */
  StandardProtocolFamily family();

  /**
   * TCP.
   *
   * @param host lower case, an IPv6 address without brackets; empty if none was given
   * @param port 0 to 65535, if it was given
   */
  record Inet(String host, OptionalInt port) implements Address {
    @Override
    public String text() {
      String shown = host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
      return port.isPresent() ? shown + ":" + port.getAsInt() : shown;
    }

    @Override
    public InetSocketAddress toBind() {
      return host.isEmpty()
          ? new InetSocketAddress(port.orElse(0))
          : new InetSocketAddress(host, port.orElse(0));
    }

    @Override
    public InetSocketAddress toConnect() {
      return new InetSocketAddress(host.isEmpty() ? "localhost" : host, port.orElse(0));
    }

    @Override
    public StandardProtocolFamily family() {
      return host.contains(":") ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET;
    }
  }

  /** A Unix domain socket, by its path. */
  record Unix(String path) implements Address {
    @Override
    public String text() {
      return path;
    }

    @Override
    public UnixDomainSocketAddress toBind() {
      return UnixDomainSocketAddress.of(path);
    }

    @Override
    public UnixDomainSocketAddress toConnect() {
      return UnixDomainSocketAddress.of(path);
    }

    @Override
    public StandardProtocolFamily family() {
      return StandardProtocolFamily.UNIX;
    }
  }
}
