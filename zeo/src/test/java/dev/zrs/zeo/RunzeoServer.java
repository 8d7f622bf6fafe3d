package dev.zrs.zeo;

import static org.awaitility.Awaitility.await;

import dev.zrs.testkit.PythonPeer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Python's own server, of a file storage with blobs that is named {@code 1}. */
final class RunzeoServer implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final InetSocketAddress address;
  private final Process process;

  /**
   * Starts it.
   *
   * @param ssl the {@code <ssl>} section; may be empty
   */
  RunzeoServer(PythonPeer peer, Path directory, String ssl) {
    try {
      int port;
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = free.getLocalPort();
      }
      address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
      Path configuration = directory.resolve("zeo.conf");
      Files.writeString(
          configuration,
          """
          <zeo>
            address 127.0.0.1:%d
            %s
          </zeo>
          <filestorage 1>
            path %s
            blob-dir %s
          </filestorage>
          """
              .formatted(port, ssl, directory.resolve("Data.fs"), directory.resolve("blobs")));
      process =
          new ProcessBuilder(
                  peer.python().toString(), "-m", "ZEO.runzeo", "-C", configuration.toString())
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve("output").toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    await("runzeo").atMost(LIMIT).until(this::accepts);
  }

  private boolean accepts() {
    try (Socket probe = new Socket()) {
      probe.connect(address);
      return true;
    } catch (IOException e) {
      // Not yet; a server that has ended will never.
      if (!process.isAlive()) {
        throw new AssertionError("runzeo ended with " + process.exitValue(), e);
      }
      return false;
    }
  }

  InetSocketAddress address() {
    return address;
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("runzeo does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
