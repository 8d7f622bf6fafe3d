package dev.zrs.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** One connection through a {@link NetworkProxy}. Any thread may call. */
public final class ProxiedConnection {
  private final Socket client;
  private final Socket server;
  private final Pipe toServer;
  private final Pipe toClient;
  private final Consumer<ProxiedConnection> whenEnded;

  /** Held while both sockets are closed, which is done once. */
  private final ReentrantLock ending = new ReentrantLock();

  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicInteger waysLeft = new AtomicInteger(2);

  ProxiedConnection(
      Socket client,
      Socket server,
      WayCondition toServer,
      WayCondition toClient,
      Consumer<ProxiedConnection> whenEnded) {
    this.client = client;
    this.server = server;
    this.whenEnded = whenEnded;
    this.toServer = new Pipe(client, server, toServer, this);
    this.toClient = new Pipe(server, client, toClient, this);
  }

  void start() {
    toServer.start("proxy to server");
    toClient.start("proxy to client");
  }

  private Pipe pipe(Way way) {
    return switch (way) {
      case TO_SERVER -> toServer;
      case TO_CLIENT -> toClient;
    };
  }

  /** Bytes that have passed since it began. */
  public long passed(Way way) {
    return pipe(way).passed();
  }

  /** Closes both sides when so many bytes have passed since it began; those behind are lost. */
  public void cutAfter(Way way, long bytes) {
    pipe(way).cutAfter(bytes, false);
  }

  /** As {@link #cutAfter}, with a reset, by which the receiver may lose even what came before. */
  public void resetAfter(Way way, long bytes) {
    pipe(way).cutAfter(bytes, true);
  }

  /** Changes a byte, counted since it began; too late if it has passed. */
  public void flipAt(Way way, long offset) {
    pipe(way).flipAt(offset);
  }

  /**
   * Tells the receiver that nothing more comes. What still comes is lost; the other way goes on.
   */
  public void halfClose(Way way) {
    try {
      pipe(way).shut();
    } catch (IOException e) {
      reset();
    }
  }

  /** Closes both sides. */
  public void close() {
    end(false);
  }

  /** Resets both sides. */
  public void reset() {
    end(true);
  }

  void end(boolean byReset) {
    ending.lock();
    try {
      if (isEnded()) {
        return;
      }
      for (Socket each : new Socket[] {client, server}) {
        if (byReset) {
          each.setSoLinger(true, 0);
        }
        each.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("ending a proxied connection failed", e);
    } finally {
      ended.countDown();
      whenEnded.accept(this);
      ending.unlock();
    }
  }

  /** Nothing more comes in one of the two ways. */
  void endOfWay() {
    if (waysLeft.decrementAndGet() == 0) {
      close();
    }
  }

  boolean isEnded() {
    return ended.getCount() == 0;
  }

  /** Waits; true at once if the connection ends. */
  boolean pause(long nanos) {
    try {
      return ended.await(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts a pipe", e);
    }
  }

  void heal() {
    toServer.heal();
    toClient.heal();
  }
}
