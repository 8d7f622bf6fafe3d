package dev.zrs.server.role;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/** The name of this machine, as it calls itself. */
final class HostName {
  private static final Path LINUX = Path.of("/proc/sys/kernel/hostname");

  private HostName() {}

  /** Without asking the network, where possible. */
  static String get() {
    try {
      return Files.exists(LINUX)
          ? Files.readString(LINUX).strip()
          : InetAddress.getLocalHost().getHostName();
    } catch (IOException e) {
      // A machine that has no name, or none with an address, is no reason to stop.
      return "?";
    }
  }
}
