package dev.zrs.server.logging;

import dev.zrs.zconfig.Address;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** Sends events to a syslog daemon, in the bytes of Python's SysLogHandler. */
final class SyslogOutput implements LogOutput {
  private final SyslogFacility facility;
  private final String name;
  private final Transport transport;

  /** What carries a message away. */
  interface Transport {
    void send(byte[] message) throws IOException;

    void close() throws IOException;
  }

  /**
   * An output. A unix socket need not be there yet.
   *
   * @throws IOException if the host is not known
   */
  SyslogOutput(Syslog config) throws IOException {
    facility = config.facility();
    name = config.address().text();
    transport =
        switch (config.address()) {
          case Address.Unix unix -> new LocalSocket(unix.path());
          case Address.Inet inet -> udp(inet.toConnect());
        };
  }

  private static Transport udp(InetSocketAddress address) throws IOException {
    if (address.isUnresolved()) {
      throw new IOException("the host " + address.getHostString() + " is not known");
    }
    DatagramSocket socket = new DatagramSocket();
    return new Transport() {
      @Override
      public void send(byte[] message) throws IOException {
        socket.send(new DatagramPacket(message, message.length, address));
      }

      @Override
      public void close() {
        socket.close();
      }
    };
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void write(int level, String text) throws IOException {
    // Old daemons expect a zero at the end.
    String message = "<" + facility.priority(level) + ">" + text + "\0";
    transport.send(message.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void reopen() {
    // There is no file; a daemon that was restarted is found at the next message.
  }

  @Override
  public void close() throws IOException {
    transport.close();
  }
}
