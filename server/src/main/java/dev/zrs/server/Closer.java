package dev.zrs.server;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes things in the reverse of the order in which they were opened, all of them, even if some
 * fail. Any thread may call: a signal may come while things are still being opened.
 */
final class Closer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");

  /** Guards both fields. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private boolean closed;

  /** Takes care of {@code resource}, and returns it; closes it at once if it comes too late. */
  <T extends AutoCloseable> T add(T resource) {
    boolean late;
    lock.lock();
    try {
      late = closed;
      if (!late) {
        open.push(resource);
      }
    } finally {
      lock.unlock();
    }
    if (late) {
      close(resource);
    }
    return resource;
  }

  @Override
  public void close() {
    AutoCloseable resource = next();
    while (resource != null) {
      close(resource);
      resource = next();
    }
  }

  private @Nullable AutoCloseable next() {
    lock.lock();
    try {
      closed = true;
      return open.poll();
    } finally {
      lock.unlock();
    }
  }

  private static void close(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) { // whatever it is, the others must be closed too
      LOG.error("while stopping: {}", String.valueOf(e.getMessage()), e);
    }
  }
}
