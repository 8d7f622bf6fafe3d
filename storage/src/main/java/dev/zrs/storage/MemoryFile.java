package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * The content of a file in memory: chunks on the heap, so that it grows beyond the length of an
 * array and never moves. Any thread may call.
 */
final class MemoryFile {
  private static final int CHUNK_BITS = 16;
  private static final int CHUNK = 1 << CHUNK_BITS;

  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

  /** As long as {@link #size} needs, or longer; null where nothing was written: zeros. */
  private byte[] @Nullable [] chunks = new byte[0][];

  private long size;
  private final AtomicLong reserved = new AtomicLong();
  private final Room room;

  /** Whom a file asks before it grows. */
  interface Room {
    /**
     * Makes sure that there is room.
     *
     * @throws IOException if there is none for so many more bytes
     */
    void check(long bytes) throws IOException;
  }

  MemoryFile(Room room) {
    this.room = room;
  }

  /** How much memory it has taken, in bytes. */
  long reserved() {
    return reserved.get();
  }

  long size() {
    Lock reading = lock.readLock();
    reading.lock();
    try {
      return size;
    } finally {
      reading.unlock();
    }
  }

  /** See {@link DiskFile#read}. */
  int read(ByteBuffer target, long position) {
    Lock reading = lock.readLock();
    reading.lock();
    try {
      int total = Math.clamp(size - position, 0, target.remaining());
      int done = 0;
      while (done < total) {
        byte[] chunk = chunks[number(position + done)];
        int offset = offset(position + done);
        int count = Math.min(total - done, CHUNK - offset);
        target.put(chunk == null ? new byte[count] : chunk, chunk == null ? 0 : offset, count);
        done += count;
      }
      return total;
    } finally {
      reading.unlock();
    }
  }

  /**
   * See {@link DiskFile#write}.
   *
   * @throws IOException if there is no room; the file is as long as it was then
   */
  void write(ByteBuffer source, long position) throws IOException {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      long end = position + source.remaining();
      reserve(position, end);
      long at = position;
      while (source.hasRemaining()) {
        int offset = offset(at);
        int count = Math.min(source.remaining(), CHUNK - offset);
        source.get(chunks[number(at)], offset, count);
        at += count;
      }
      size = Math.max(size, end);
    } finally {
      writing.unlock();
    }
  }

  private void reserve(long from, long to) throws IOException {
    if (from == to) {
      return;
    }
    int last = number(to - 1);
    if (last >= chunks.length) {
      chunks = Arrays.copyOf(chunks, Math.max(last + 1, chunks.length * 2));
    }
    for (int i = number(from); i <= last; i++) {
      if (chunks[i] == null) {
        room.check(CHUNK);
        chunks[i] = new byte[CHUNK];
        reserved.addAndGet(CHUNK);
      }
    }
  }

  void truncate(long newSize) {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      if (newSize >= size) {
        return;
      }
      // What is cut off is zeros if the file grows again.
      int kept = newSize == 0 ? 0 : number(newSize - 1) + 1;
      for (int i = kept; i < chunks.length; i++) {
        if (chunks[i] != null) {
          chunks[i] = null;
          reserved.addAndGet(-CHUNK);
        }
      }
      if (offset(newSize) != 0 && chunks[kept - 1] != null) {
        Arrays.fill(chunks[kept - 1], offset(newSize), CHUNK, (byte) 0);
      }
      size = newSize;
    } finally {
      writing.unlock();
    }
  }

  private static int number(long position) {
    return Math.toIntExact(position >> CHUNK_BITS);
  }

  private static int offset(long position) {
    return (int) position & (CHUNK - 1);
  }
}
