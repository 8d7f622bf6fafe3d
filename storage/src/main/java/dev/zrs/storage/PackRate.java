package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Spreads what a pack reads and writes over time, so that it leaves some of the disk to others. Any
 * thread may call.
 */
final class PackRate {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  /** How often a wait looks whether the pack is stopped. */
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Guards {@link #next}. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition turnedOff = lock.newCondition();
  private final long bytesPerSecond;
  private final BooleanSupplier stopped;
  private volatile boolean off;

  /** When all that has passed has had its time, by {@link System#nanoTime}. */
  private long next = System.nanoTime();

  /**
   * @param bytesPerSecond at most so many; 0 for no limit
   * @param stopped whether to give up
   */
  PackRate(long bytesPerSecond, BooleanSupplier stopped) {
    this.bytesPerSecond = bytesPerSecond;
    this.stopped = stopped;
    this.off = bytesPerSecond == 0;
  }

  /** Lets everything pass from now on, also what waits. */
  void turnOff() {
    lock.lock();
    try {
      off = true;
      turnedOff.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The same file, read and written no faster than that. */
  DiskFile limit(DiskFile file) {
    return off ? file : new LimitedFile(file);
  }

  /**
   * Waits for as long as so many bytes take.
   *
   * @throws StorageException if the pack was stopped
   */
  void pass(long bytes) {
    if (off) {
      return;
    }
    boolean interrupted = false;
    lock.lock();
    try {
      // Time that nobody used is lost, so that a rate is a rate at any moment.
      next = Math.max(next, System.nanoTime());
      next += (long) ((double) bytes / bytesPerSecond * SECOND);
      long left = next - System.nanoTime();
      while (!off && left > 0) {
        Packer.checkStopped(stopped);
        long look = Math.min(LOOK_NANOS, left);
        try {
          left -= look - turnedOff.awaitNanos(look);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private final class LimitedFile implements DiskFile {
    private final DiskFile file;

    LimitedFile(DiskFile file) {
      this.file = file;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      int count = file.read(target, position);
      pass(count);
      return count;
    }

    @Override
    public void write(ByteBuffer source, long position, String operation) throws IOException {
      pass(source.remaining());
      file.write(source, position, operation);
    }

    @Override
    public void truncate(long size, String operation) throws IOException {
      file.truncate(size, operation);
    }

    @Override
    public void sync(String operation) throws IOException {
      file.sync(operation);
    }

    @Override
    public long size() throws IOException {
      return file.size();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
