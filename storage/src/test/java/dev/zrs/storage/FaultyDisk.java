package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A disk on which one chosen operation that changes something fails, or is held up, and that counts
 * what is done. Any thread may call.
 */
final class FaultyDisk implements Disk {
  private final Disk disk;

  /** Guards the fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final AtomicLong bytesRead = new AtomicLong();
  private final Map<String, Integer> byName = new HashMap<>();
  private int operations;
  private volatile long freeSpace = Long.MAX_VALUE;
  private int failAt = -1;
  private @Nullable String failNext;
  private @Nullable String failed;
  private @Nullable String heldUp;
  private Runnable before = () -> {};

  FaultyDisk(Disk disk) {
    this.disk = disk;
  }

  /** Makes the operation with this number, counted from 1, fail. */
  void failAt(int number) {
    failAt = number;
  }

  /** Makes the next operation of this name fail. */
  void failNext(String operation) {
    lock.lock();
    try {
      failNext = operation;
    } finally {
      lock.unlock();
    }
  }

  /** Has something done first when the next operation of this name comes, on its thread. */
  void beforeNext(String operation, Runnable action) {
    lock.lock();
    try {
      heldUp = operation;
      before = action;
    } finally {
      lock.unlock();
    }
  }

  /** Says how much room there is. */
  void setFreeSpace(long bytes) {
    freeSpace = bytes;
  }

  @Override
  public long freeSpace(Path directory) {
    return freeSpace;
  }

  int operations() {
    return operations;
  }

  /** How many operations of this name there were. */
  int operations(String name) {
    lock.lock();
    try {
      return byName.getOrDefault(name, 0);
    } finally {
      lock.unlock();
    }
  }

  /** How many bytes were read from all files. */
  long bytesRead() {
    return bytesRead.get();
  }

  @Nullable String failed() {
    return failed;
  }

  private void count(String operation) throws IOException {
    Runnable first = () -> {};
    lock.lock();
    try {
      if (operation.equals(heldUp)) {
        heldUp = null;
        first = before;
      }
    } finally {
      lock.unlock();
    }
    first.run();
    lock.lock();
    try {
      operations++;
      byName.merge(operation, 1, Integer::sum);
      if (operations == failAt || operation.equals(failNext)) {
        failed = operation;
        failNext = null;
        throw new IOException("no luck with: " + operation);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Lock lock(Path file) {
    return disk.lock(file);
  }

  @Override
  public DiskFile open(Path file, Mode mode, String operation) throws IOException {
    count(operation);
    return new FaultyFile(disk.open(file, mode, operation));
  }

  @Override
  public boolean exists(Path file) {
    return disk.exists(file);
  }

  @Override
  public boolean isDirectory(Path file) {
    return disk.isDirectory(file);
  }

  @Override
  public void rename(Path from, Path to, String operation) throws IOException {
    count(operation);
    disk.rename(from, to, operation);
  }

  @Override
  public void link(Path file, Path name, String operation) throws IOException {
    count(operation);
    disk.link(file, name, operation);
  }

  @Override
  public void delete(Path file, String operation) throws IOException {
    count(operation);
    disk.delete(file, operation);
  }

  @Override
  public void createDirectory(Path directory, String operation) throws IOException {
    count(operation);
    disk.createDirectory(directory, operation);
  }

  @Override
  public void syncDirectory(Path directory, String operation) throws IOException {
    count(operation);
    disk.syncDirectory(directory, operation);
  }

  @Override
  public void makeReadOnly(Path file, String operation) throws IOException {
    count(operation);
    disk.makeReadOnly(file, operation);
  }

  @Override
  public List<Path> list(Path directory) throws IOException {
    return disk.list(directory);
  }

  private final class FaultyFile implements DiskFile {
    private final DiskFile file;

    FaultyFile(DiskFile file) {
      this.file = file;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      int count = file.read(target, position);
      bytesRead.addAndGet(count);
      return count;
    }

    @Override
    public void write(ByteBuffer source, long position, String operation) throws IOException {
      count(operation);
      file.write(source, position, operation);
    }

    @Override
    public void truncate(long size, String operation) throws IOException {
      count(operation);
      file.truncate(size, operation);
    }

    @Override
    public void sync(String operation) throws IOException {
      count(operation);
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
