package dev.zrs.server.control;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** What stands where a server is to make its unix socket. */
public final class SocketFile {
  /** The part of a file's mode that says what it is, as in stat(2). */
  private static final int KIND = 0xf000;

  private static final int SOCKET = 0xc000;

  private SocketFile() {}

  /**
   * Whether a server that was killed has left its socket there; false if there is nothing.
   *
   * @throws IOException if a server answers there, or if it is another kind of file, which is
   *     somebody's data: connecting to it is refused just as with a stale socket
   */
  public static boolean isStale(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    if (!(mode instanceof Integer bits && (bits & KIND) == SOCKET)) {
      throw new IOException("there is a file of this name, which is no socket");
    }
    try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      throw new IOException("Address already in use by " + probe.getRemoteAddress());
    } catch (ConnectException e) {
      return true;
    }
  }
}
