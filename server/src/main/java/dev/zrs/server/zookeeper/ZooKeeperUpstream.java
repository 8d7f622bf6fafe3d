package dev.zrs.server.zookeeper;

import dev.zrs.server.directory.DirectoryStatus;
import dev.zrs.server.directory.FoundUpstream;
import dev.zrs.zookeeper.Discovery;
import dev.zrs.zookeeper.ServerAddress;
import dev.zrs.zookeeper.ZooKeeperConnection;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** An upstream that is found below a path of ZooKeeper. */
final class ZooKeeperUpstream implements FoundUpstream {
  private final ZooKeeperConnection connection;
  private final String path;

  /** Held while watching begins and ends; guards {@link #closed}. */
  private final ReentrantLock lock = new ReentrantLock();

  private volatile @Nullable Discovery discovery;
  private boolean closed;

  ZooKeeperUpstream(ZooKeeperConnection connection, String path) {
    this.connection = connection;
    this.path = path;
  }

  @Override
  public String text() {
    return path;
  }

  @Override
  public List<SocketAddress> addresses() {
    return known().stream()
        .<SocketAddress>map(each -> InetSocketAddress.createUnresolved(each.host(), each.port()))
        .toList();
  }

  private List<ServerAddress> known() {
    Discovery watching = discovery;
    return watching == null ? List.of() : watching.addresses();
  }

  private Optional<String> problem() {
    Discovery watching = discovery;
    return watching == null ? Optional.empty() : watching.problem();
  }

  @Override
  public String whyNone() {
    return problem().orElse("not looked up yet below " + path);
  }

  @Override
  public void watch(Runnable changed) {
    lock.lock();
    try {
      if (discovery != null) {
        throw new IllegalStateException("watched already");
      }
      if (!closed) {
        discovery = Discovery.start(connection, path, changed);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public DirectoryStatus status() {
    return new DirectoryStatus(
        connection.connectionString(),
        path,
        known().stream().map(ServerAddress::text).toList(),
        connection.awaySince(),
        problem());
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      Discovery watching = discovery;
      if (watching != null) {
        watching.close();
      }
    } finally {
      lock.unlock();
    }
  }
}
