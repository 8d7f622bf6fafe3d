package dev.zrs.server;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes things in the reverse of the order in which they were opened, all of them, even if some
 * fail. Not for concurrent use.
 */
final class Closer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("runzeo");
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  /** Takes care of {@code resource}, and returns it. */
  <T extends AutoCloseable> T add(T resource) {
    open.push(resource);
    return resource;
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      AutoCloseable resource = open.pop();
      try {
        resource.close();
      } catch (Exception e) { // whatever it is, the others must be closed too
        LOG.error("while stopping: {}", String.valueOf(e.getMessage()), e);
      }
    }
  }
}
