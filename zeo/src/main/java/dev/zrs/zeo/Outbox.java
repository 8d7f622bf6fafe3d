package dev.zrs.zeo;

import dev.zrs.storage.Tid;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one queue of everything that goes to a client: replies, messages and invalidations leave in
 * the order in which they were appended.
 *
 * <p><b>Why a client never sees a stale or torn state.</b> A client caches what a load gave until
 * an invalidation ends it, so these must hold in the order in which bytes reach it:
 *
 * <ol>
 *   <li>invalidations (and, for the committer, the reply to its finish) come in tid order, each
 *       transaction once;
 *   <li>a reply "this is the current state" never comes after the invalidation that ends that
 *       state;
 *   <li>no reply shows a transaction that was not announced before it.
 * </ol>
 *
 * <p>(1) The storage tells its commits to one {@link Broadcaster} in tid order. While it holds its
 * lock it appends the announcement of one transaction to the outbox of each registered connection;
 * registering takes the same lock, so a connection gets exactly the transactions after the one that
 * the reply to its register names. The committer is told last, so that whoever hears of a commit
 * from it finds the invalidation in front of the answer to anything asked then. (2) and (3): {@link
 * #announced} is the tid that was appended last. It changes only together with that append, under
 * this outbox's lock. Every reply that depends on what is current (loadBefore, getTid,
 * lastTransaction, getInvalidations) is computed as of one value of it: transactions after that tid
 * are treated as if they did not exist yet, though the storage may show them already (it makes a
 * transaction visible before it tells it). The reply is appended under the lock only if {@code
 * announced} still has that value. If it has moved on, an invalidation that may concern this very
 * object is in the queue before the reply; the answer is then computed again while the lock is
 * held, where it can't move, so the second time is the last. From the queue on the order is that of
 * the bytes: one flusher at a time takes chunks from the front and writes them, and takes no more
 * before it has written those.
 *
 * <p><b>Who writes.</b> The connection's reader appends its replies and flushes when no further
 * request has arrived, so many replies go in one write. The worker flushes what it appends, and the
 * answer to a finish for which it waits. What the thread of another client's commit appends starts
 * a virtual thread that flushes, unless somebody is flushing. Nobody writes to the socket under the
 * lock, so a committer waits for memory copies only.
 *
 * <p><b>Limits.</b> The connection's own threads wait in {@link #awaitRoom} while more than {@link
 * #HIGH_WATER} bytes are queued. Committers don't wait: a client for which more than the limit is
 * queued is disconnected.
 */
final class Outbox {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final int HEADER = Integer.BYTES;

  /** Bytes queued beyond which the connection's own threads wait. */
  static final int HIGH_WATER = 1 << 20;

  /** A frame up to this size is copied beside others; a larger one has a chunk of its own. */
  private static final int SMALL = 4 << 10;

  private static final int CHUNK = 16 << 10;

  /** So many bytes more or less are told to the share. */
  private static final int COUNTED_STEP = 64 << 10;

  /** Computes an answer that depends on what is current. */
  interface Answer {
    /**
     * Writes one message.
     *
     * @param asOf the last transaction that exists for this answer
     * @param out where to; empty
     */
    void write(Tid asOf, MessageWriter out);
  }

  private static final class Chunk {
    private final byte[] bytes;
    private final boolean shared;
    private int length;

    /** With bytes that other outboxes may have, too. */
    Chunk(byte[] bytes, int length, boolean shared) {
      this.bytes = bytes;
      this.length = length;
      this.shared = shared;
    }

    boolean hasRoom(int more) {
      return more <= bytes.length - length;
    }
  }

  private final ByteConnection connection;
  private final long maxQueued;
  private final BufferMemory.Share share;

  /** Guards all fields below; {@code announced} and {@code closed} may be read without. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition room = lock.newCondition();
  private ArrayDeque<Chunk> queue = new ArrayDeque<>();
  private ArrayDeque<Chunk> writing = new ArrayDeque<>();
  private long queued;

  /** What is queued but for the bytes that other outboxes have, too, and what was said of it. */
  private long owned;

  private long counted;
  private boolean flushing;
  private volatile boolean closed;
  private volatile Tid announced = Tid.NONE;

  /**
   * @param share is told how much memory its queue takes
   */
  Outbox(ByteConnection connection, long maxQueued, BufferMemory.Share share) {
    this.connection = connection;
    this.maxQueued = maxQueued;
    this.share = share;
  }

  /** Makes a complete frame, which may go to several outboxes. */
  static byte[] frame(MessageWriter message) {
    return frame(message.buffer(), message.size());
  }

  private static byte[] frame(byte[] message, int length) {
    byte[] frame = new byte[HEADER + length];
    INT.set(frame, 0, length);
    System.arraycopy(message, 0, frame, HEADER, length);
    return frame;
  }

  /** Appends the reader's answer; its next {@link #flush} sends it. */
  void reply(byte[] message, int length) {
    lock.lock();
    try {
      append(message, length);
    } finally {
      lock.unlock();
    }
  }

  /** As {@link #reply}, for an answer that depends on what is current; see above. */
  void reply(Answer answer, MessageWriter out) {
    Tid asOf = announced;
    out.reset();
    answer.write(asOf, out);
    lock.lock();
    try {
      if (!announced.equals(asOf)) {
        out.reset();
        answer.write(announced, out);
      }
      append(out.buffer(), out.size());
    } finally {
      lock.unlock();
    }
    out.reset();
  }

  /**
   * Appends a message of the connection's worker, which writes it itself unless somebody writes.
   */
  void send(MessageWriter message) {
    lock.lock();
    try {
      append(message.buffer(), message.size());
    } finally {
      lock.unlock();
    }
    // What a large answer needed is not kept while the connection rests.
    message.reset();
    flushNow();
  }

  /** Writes what is queued, on the connection's worker; an error ends the connection. */
  void flushNow() {
    try {
      flush();
    } catch (IOException e) {
      LOG.debug("writing to {}: {}", connection.peer(), e.toString());
    }
  }

  /**
   * Appends what tells the client of a transaction, and sees to it that it is sent. Never waits for
   * the client; disconnects it if it is too far behind.
   *
   * @param frames complete frames, which stay as they are
   */
  void announce(Tid tid, byte[]... frames) {
    announce(tid, true, frames);
  }

  /**
   * As {@link #announce}, where the connection's worker waits for it and will {@link #flushNow}.
   */
  void announceOwn(Tid tid, byte[]... frames) {
    announce(tid, false, frames);
  }

  /** Appends a message that says nothing of a transaction; otherwise as {@link #announce}. */
  void inform(byte[] frame) {
    announce(null, true, frame);
  }

  private void announce(@Nullable Tid tid, boolean write, byte[]... frames) {
    boolean tooSlow = false;
    lock.lock();
    try {
      if (tid != null) {
        announced = tid;
      }
      if (queued > maxQueued) {
        tooSlow = !closed;
        discard();
      } else {
        for (byte[] frame : frames) {
          appendFrame(frame);
        }
        if (write) {
          startWriter();
        }
      }
    } finally {
      lock.unlock();
    }
    if (tooSlow) {
      LOG.warn(
          "disconnecting {}: it does not read, and more than {} bytes wait for it",
          connection.peer(),
          maxQueued);
      connection.close();
    }
  }

  private void append(byte[] message, int length) {
    if (closed) {
      return;
    }
    int size = HEADER + length;
    if (size > SMALL) {
      add(new Chunk(frame(message, length), size, false));
      return;
    }
    Chunk tail = tail(size);
    INT.set(tail.bytes, tail.length, length);
    System.arraycopy(message, 0, tail.bytes, tail.length + HEADER, length);
    tail.length += size;
    queue(size);
  }

  private void appendFrame(byte[] frame) {
    if (closed) {
      return;
    }
    if (frame.length > SMALL) {
      add(new Chunk(frame, frame.length, true));
      return;
    }
    Chunk tail = tail(frame.length);
    System.arraycopy(frame, 0, tail.bytes, tail.length, frame.length);
    tail.length += frame.length;
    queue(frame.length);
  }

  private void add(Chunk chunk) {
    queue.addLast(chunk);
    if (chunk.shared) {
      queued += chunk.length;
    } else {
      queue(chunk.length);
    }
  }

  private void queue(int bytes) {
    queued += bytes;
    owned += bytes;
    count();
  }

  /** Not each time: it has a lock of its own. */
  private void count() {
    if (Math.abs(owned - counted) >= COUNTED_STEP) {
      counted = owned;
      share.output(owned);
    }
  }

  private Chunk tail(int room) {
    Chunk tail = queue.peekLast();
    if (tail == null || !tail.hasRoom(room)) {
      // A single small reply is the common case: it needs no whole chunk.
      tail = new Chunk(new byte[tail == null ? Math.max(room, 512) : CHUNK], 0, false);
      queue.addLast(tail);
    }
    return tail;
  }

  private void startWriter() {
    if (!flushing && !closed) {
      flushing = true;
      Thread.ofVirtual().name("zeo " + connection.peer() + " writer").start(this::write);
    }
  }

  private void write() {
    try {
      drain();
    } catch (IOException e) {
      LOG.debug("writing to {}: {}", connection.peer(), e.toString());
    }
  }

  /** Writes what is queued, unless another thread is at it. */
  void flush() throws IOException {
    lock.lock();
    try {
      if (flushing || closed || queue.isEmpty()) {
        return;
      }
      flushing = true;
    } finally {
      lock.unlock();
    }
    drain();
  }

  private void drain() throws IOException {
    boolean drained = false;
    try {
      while (takeAll()) {
        long written = 0;
        long ownWritten = 0;
        for (Chunk chunk = writing.poll(); chunk != null; chunk = writing.poll()) {
          connection.write(chunk.bytes, 0, chunk.length);
          written += chunk.length;
          ownWritten += chunk.shared ? 0 : chunk.length;
        }
        wrote(written, ownWritten);
      }
      drained = true;
    } finally {
      if (!drained) {
        close();
      }
    }
  }

  private boolean takeAll() {
    lock.lock();
    try {
      if (closed || queue.isEmpty()) {
        flushing = false;
        return false;
      }
      ArrayDeque<Chunk> taken = queue;
      queue = writing;
      writing = taken;
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void wrote(long bytes, long own) {
    lock.lock();
    try {
      queued -= bytes;
      owned -= own;
      count();
      if (queued <= HIGH_WATER) {
        room.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until the client has taken most of what was sent; writes itself if nobody does.
   *
   * @return false if the outbox is closed
   */
  boolean awaitRoom() throws IOException {
    lock.lock();
    try {
      if (queued <= HIGH_WATER || closed) {
        return !closed;
      }
    } finally {
      lock.unlock();
    }
    flush();
    lock.lock();
    try {
      while (queued > HIGH_WATER && !closed) {
        room.awaitUninterruptibly();
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  /** Forgets what is queued, ends all waits and the connection. Any thread. */
  void close() {
    lock.lock();
    try {
      discard();
    } finally {
      lock.unlock();
    }
    connection.close();
  }

  private void discard() {
    closed = true;
    queue.clear();
    room.signalAll();
  }

  /** Whether the connection has ended, or will. Any thread. */
  boolean isClosed() {
    return closed;
  }

  /** The last transaction that was told to the client. */
  Tid announced() {
    return announced;
  }

  /** Bytes that wait to be written. */
  long queued() {
    lock.lock();
    try {
      return queued;
    } finally {
      lock.unlock();
    }
  }
}
