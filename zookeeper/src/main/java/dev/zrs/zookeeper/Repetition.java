package dev.zrs.zookeeper;

import java.time.Duration;
import java.util.Optional;
import org.apache.curator.framework.api.CuratorWatcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at something in ZooKeeper again and again, on a thread of its own: when the connection
 * changes, when a node does that is watched, and now and then. While ZooKeeper can't be reached it
 * asks nothing of it, so that it can be closed at once. Any thread may call.
 */
final class Repetition implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("zc.zk");

  /** A connection that is back within this time is not worth a word. */
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

  /** What is done again and again; all is called on the one thread. */
  interface Look {
    /** Throws what keeps it from being done; it is tried again soon. */
    void take() throws Exception; // Curator declares no other

    /** Told what went wrong, for operators. */
    void failed(String reason);

    /** Called once, at the end. */
    void end();
  }

  private final ZooKeeperConnection connection;
  private final String path;
  private final Look look;
  private final Signal signal = new Signal();

  /** One for all looks, as ZooKeeper keeps each that it has not called yet. */
  private final CuratorWatcher watcher = event -> signal.raise();

  private final Thread thread;
  private volatile boolean closing;

  /**
   * Before its start.
   *
   * @param name of the thread
   * @param path for the texts of what goes wrong
   */
  Repetition(ZooKeeperConnection connection, String name, String path, Look look) {
    this.connection = connection;
    this.path = path;
    this.look = look;
    this.thread = Thread.ofPlatform().name("zookeeper " + name).daemon().unstarted(this::run);
  }

  void start() {
    connection.follow(signal);
    thread.start();
  }

  /** Has it look again when what it is set on changes. */
  CuratorWatcher watcher() {
    return watcher;
  }

  private void run() {
    while (!closing) {
      boolean done = false;
      try {
        Optional<String> obstacle = obstacle();
        if (!closing) {
          if (obstacle.isPresent()) {
            look.failed(obstacle.get());
          } else {
            look.take();
            connection.worked();
            done = true;
          }
        }
      } catch (Exception e) { // Curator declares no other
        look.failed(connection.text(e, path));
      } catch (LinkageError | OutOfMemoryError e) {
        // A thread that ends without a word would leave a status that is not true any more.
        LOG.error("{}: {}", path, e.toString());
        look.failed(e.toString());
      }
      if (!closing) {
        signal.await(done ? LOOK_AGAIN : RETRY);
      }
    }
    look.end();
  }

  /** Waits for a connection, for a short time; if there is none then, says why. */
  private Optional<String> obstacle() throws Exception {
    long begin = System.nanoTime();
    while (!connection.isConnected()) {
      Duration left = CONNECT_LIMIT.minusNanos(System.nanoTime() - begin);
      if (closing) {
        return Optional.empty();
      }
      if (!left.isPositive()) {
        return Optional.of(connection.whyAway());
      }
      signal.await(left);
    }
    return Optional.empty();
  }

  /** Ends it, after what is being done. */
  @Override
  public void close() {
    closing = true;
    connection.forget(signal);
    signal.raise();
    try {
      if (!thread.join(STOP_LIMIT)) {
        LOG.error("{} did not stop in time", thread.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
