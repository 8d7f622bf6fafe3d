package dev.zrs.zeo;

import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds what all connections together have in memory of messages that have not arrived as a whole,
 * or that wait to be read: each may have what its own limit allows, but not all at the same time.
 * Beyond the limit, the connection that holds most is ended, so that whoever fills the memory ends
 * before anybody else is hindered. Any thread.
 */
final class BufferMemory {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");

  private final long limit;

  /** Guards all fields below and in the shares; nothing is waited for under it. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Set<Share> shares = new HashSet<>();
  private long total;

  /**
   * None held.
   *
   * @param limit bytes
   */
  BufferMemory(long limit) {
    this.limit = limit;
  }

  /** What one connection holds. */
  final class Share {
    private final String peer;
    private final Runnable disconnect;
    private long input;
    private long output;
    private boolean ended;

    private Share(String peer, Runnable disconnect) {
      this.peer = peer;
      this.disconnect = disconnect;
    }

    /**
     * Says how large the buffer will be that fills with messages of the client.
     *
     * @return false if the connection has to end: then it must not become that large
     */
    boolean input(long bytes) {
      lock.lock();
      try {
        hold(bytes, output);
        return !ended;
      } finally {
        lock.unlock();
      }
    }

    /** Says how much waits for the client. */
    void output(long bytes) {
      lock.lock();
      try {
        hold(input, bytes);
      } finally {
        lock.unlock();
      }
    }

    private void hold(long newInput, long newOutput) {
      if (ended) {
        return;
      }
      total += newInput - input + newOutput - output;
      input = newInput;
      output = newOutput;
      while (total > limit) {
        shares.stream().max(Comparator.comparingLong(Share::held)).ifPresent(Share::end);
      }
    }

    private long held() {
      return input + output;
    }

    private void end() {
      leave();
      LOG.warn(
          "disconnecting {}: the messages of all connections need more than {} bytes, {} of them"
              + " its own",
          peer,
          limit,
          held());
      // Closing may wait for a write of the connection, and a caller may have locked its outbox.
      Thread.ofVirtual().name("zeo " + peer + " end").start(disconnect);
    }

    /** Gives all back; later words of it count no more. */
    void leave() {
      lock.lock();
      try {
        if (!ended) {
          ended = true;
          total -= held();
          shares.remove(this);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * A connection's share.
   *
   * @param disconnect ends the connection
   */
  Share join(String peer, Runnable disconnect) {
    lock.lock();
    try {
      Share share = new Share(peer, disconnect);
      shares.add(share);
      return share;
    } finally {
      lock.unlock();
    }
  }

  /** Bytes that are held. */
  long total() {
    lock.lock();
    try {
      return total;
    } finally {
      lock.unlock();
    }
  }
}
