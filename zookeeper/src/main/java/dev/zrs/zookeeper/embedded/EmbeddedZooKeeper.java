package dev.zrs.zookeeper.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * One ZooKeeper server that no other machine can reach. It is for demonstrations: alone as it is,
 * it makes nothing more available. Any thread may call.
 */
public final class EmbeddedZooKeeper implements AutoCloseable {
  private static final int TICK_MILLISECONDS = 1_000;
  private static final int NO_LIMIT = -1;

  private final ServerCnxnFactory listener;
  private final ZooKeeperServer server;

  private EmbeddedZooKeeper(ServerCnxnFactory listener, ZooKeeperServer server) {
    this.listener = listener;
    this.server = server;
  }

  /**
   * Starts it; when this returns, it serves.
   *
   * @param folder for its data, which are used again if there are any
   * @param port where to listen; 0 for any free one
   * @throws UncheckedIOException if the folder or the port can't be used
   */
  public static EmbeddedZooKeeper start(Path folder, int port) {
    try {
      Path data = Files.createDirectories(folder);
      ZooKeeperServer server = new ZooKeeperServer(data.toFile(), data.toFile(), TICK_MILLISECONDS);
      ServerCnxnFactory listener = new NIOServerCnxnFactory();
      listener.configure(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), NO_LIMIT);
      EmbeddedZooKeeper started = new EmbeddedZooKeeper(listener, server);
      started.startup();
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "ZooKeeper can't start in %s at port %d".formatted(folder, port), e);
    }
  }

  private void startup() throws IOException {
    try {
      listener.startup(server);
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while ZooKeeper starts", e);
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  /** Where it is: {@code HOST:PORT}. */
  public String connectString() {
    return "127.0.0.1:" + listener.getLocalPort();
  }

  /** Ends it; the data stay. */
  @Override
  public void close() {
    listener.shutdown();
    server.shutdown();
    try {
      server.getTxnLogFactory().close();
    } catch (IOException e) {
      throw new UncheckedIOException("ZooKeeper's log can't be closed", e);
    }
  }
}
