package dev.zrs.server.control;

import java.nio.file.Path;

/**
 * The protocol of the control socket: the client sends the words of its command, each ended by a
 * zero byte, and ends its output; the server answers with a digit, the exit code, and text in UTF-8
 * to the end.
 */
public final class ControlSocket {
  /** Bytes of the longest command. */
  static final int MAX_REQUEST = 4_096;

  private ControlSocket() {}

  /** Where a server listens whose first file storage has this data file. */
  public static Path besides(Path dataFile) {
    return dataFile.resolveSibling(dataFile.getFileName() + ".control");
  }
}
