package dev.zrs.replication;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Connects to an upstream. One thread connects; any may end the attempt, by closing what it was
 * given for that.
 */
final class Connector {
  private final Duration limit;
  private final HostLookup.Resolver resolver;
  private final Consumer<Closeable> opened;

  /**
   * @param limit how long the lookup of the host, and each attempt at one of its addresses, may
   *     take
   * @param opened is given, before each step that may take long, what to close to end it
   */
  Connector(Duration limit, HostLookup.Resolver resolver, Consumer<Closeable> opened) {
    this.limit = limit;
    this.resolver = resolver;
    this.opened = opened;
  }

  /**
   * Connects.
   *
   * @throws IOException if it can't, or was ended
   */
  Link connect(SocketAddress address) throws IOException {
    return switch (address) {
      case UnixDomainSocketAddress unix -> connectUnix(unix);
      case InetSocketAddress inet -> connectHost(inet);
      default -> throw new IOException("can't connect to an address of this kind: " + address);
    };
  }

  private Link connectUnix(UnixDomainSocketAddress address) throws IOException {
    if (!Files.exists(address.getPath())) {
      throw new IOException("there is no unix socket " + address.getPath());
    }
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    boolean connected = false;
    try {
      opened.accept(channel);
      channel.connect(address);
      connected = true;
      return new Link.UnixLink(channel, Listener.text(address));
    } finally {
      if (!connected) {
        channel.close();
      }
    }
  }

  /** A host may have another address now than when the configuration was read, and several. */
  private Link connectHost(InetSocketAddress address) throws IOException {
    List<InetAddress> hosts;
    try (HostLookup lookup = new HostLookup(address.getHostString(), resolver)) {
      opened.accept(lookup);
      hosts = lookup.find(limit);
    }
    IOException failure = null;
    for (InetAddress host : hosts) {
      try {
        return connectTcp(new InetSocketAddress(host, address.getPort()));
      } catch (IOException e) {
        failure = joined(failure, e);
      }
    }
    throw failure == null ? new IOException("no address to connect to") : failure;
  }

  private static IOException joined(@Nullable IOException first, IOException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }

  private Link connectTcp(InetSocketAddress address) throws IOException {
    Socket socket = new Socket();
    boolean connected = false;
    try {
      opened.accept(socket);
      socket.connect(address, (int) limit.toMillis());
      Link link = Link.TcpLink.of(socket);
      connected = true;
      return link;
    } finally {
      if (!connected) {
        socket.close();
      }
    }
  }
}
