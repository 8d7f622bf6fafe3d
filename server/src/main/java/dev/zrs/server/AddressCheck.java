package dev.zrs.server;

import dev.zrs.server.control.SocketFile;
import dev.zrs.zconfig.Address;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.Set;

/**
 * Finds out whether a server could listen at its addresses. It binds without listening, so that
 * nobody takes the server for started who tries to connect. Not for concurrent use.
 */
final class AddressCheck {
  private final Set<Address> addresses = new HashSet<>();

  /**
   * Checks one of the addresses of the server.
   *
   * @throws AddressException if it can't be had, or was asked for before
   */
  void require(Address address) {
    boolean chosen = address instanceof Address.Inet inet && inet.port().orElse(0) == 0;
    if (!addresses.add(address) && !chosen) {
      throw new AddressException(
          "can't listen at %s twice: the address would be in use already"
              .formatted(address.text()));
    }
    try {
      switch (address.toBind()) {
        case UnixDomainSocketAddress unix -> bindUnix(unix);
        case InetSocketAddress inet -> bindTcp(inet);
        default -> throw new IOException("it is no address of a socket");
      }
    } catch (IOException e) {
      String what = address instanceof Address.Unix ? "the unix socket " : "";
      throw new AddressException(
          "can't listen at %s%s: %s".formatted(what, address.text(), e.getMessage()), e);
    }
  }

  private static void bindUnix(UnixDomainSocketAddress address) throws IOException {
    if (SocketFile.isStale(address.getPath())) {
      return;
    }
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.bind(address);
      Files.delete(address.getPath());
    }
  }

  private static void bindTcp(InetSocketAddress address) throws IOException {
    if (address.isUnresolved()) {
      throw new IOException("the host name is unknown");
    }
    try (Socket socket = new Socket()) {
      // As the listener does it; connections of the last run that are ending don't count then.
      socket.setReuseAddress(true);
      socket.bind(address);
    }
  }
}
