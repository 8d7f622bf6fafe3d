package dev.zrs.zookeeper;

import org.jspecify.annotations.Nullable;

/** Something that was asked of ZooKeeper can't be had; the message is for the operator. */
public final class ZooKeeperException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ZooKeeperException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
