package dev.zrs.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Files in memory, for storages that need not outlive the process. Every directory exists; there
 * are no blobs, as their contents go to other processes by file name. Any thread may call.
 */
public final class MemoryDisk implements Disk {
  /** Guards {@link #files}. */
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

  private final Map<Path, MemoryFile> files = new HashMap<>();
  private final long limit;

  /**
   * An empty disk.
   *
   * @param limit how many bytes all its files may have together; beyond it, a write fails as on a
   *     full disk
   */
  public MemoryDisk(long limit) {
    this.limit = limit;
  }

  /** A file that is replaced and still open does not count: a pack's old file, for a moment. */
  private void checkRoom(long bytes) throws IOException {
    lock.readLock().lock();
    try {
      // A file may have two names.
      long used = files.values().stream().distinct().mapToLong(MemoryFile::reserved).sum();
      if (used + bytes > limit) {
        throw new IOException(
            "no room: the limit of this storage in memory is " + limit + " bytes");
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  /** A file as one opener has it; it lives on for him when it is replaced or removed. */
  private static final class OpenFile implements DiskFile {
    private final MemoryFile file;
    private volatile boolean closed;

    OpenFile(MemoryFile file) {
      this.file = file;
    }

    private MemoryFile open() throws ClosedChannelException {
      if (closed) {
        throw new ClosedChannelException();
      }
      return file;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      return open().read(target, position);
    }

    @Override
    public void write(ByteBuffer source, long position, String operation) throws IOException {
      open().write(source, position);
    }

    @Override
    public void truncate(long size, String operation) throws IOException {
      open().truncate(size);
    }

    @Override
    public void sync(String operation) throws IOException {
      open();
    }

    @Override
    public long size() throws IOException {
      return open().size();
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  /** Nobody else has this disk. */
  @Override
  public Lock lock(Path file) {
    return () -> {};
  }

  @Override
  public DiskFile open(Path file, Mode mode, String operation) throws IOException {
    lock.writeLock().lock();
    try {
      MemoryFile old = files.get(file);
      if (old == null && (mode == Mode.READ || mode == Mode.READ_WRITE)) {
        throw new FileNotFoundException(file.toString());
      }
      if (old != null && mode == Mode.CREATE) {
        throw new FileAlreadyExistsException(file.toString());
      }
      MemoryFile content =
          old == null || mode == Mode.REPLACE ? new MemoryFile(this::checkRoom) : old;
      files.put(file, content);
      return new OpenFile(content);
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public boolean exists(Path file) {
    lock.readLock().lock();
    try {
      return files.containsKey(file);
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public boolean isDirectory(Path file) {
    return false;
  }

  @Override
  public void rename(Path from, Path to, String operation) throws IOException {
    lock.writeLock().lock();
    try {
      MemoryFile content = files.remove(from);
      if (content == null) {
        throw new FileNotFoundException(from.toString());
      }
      files.put(to, content);
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public void link(Path file, Path name, String operation) throws IOException {
    lock.writeLock().lock();
    try {
      MemoryFile content = files.get(file);
      if (content == null) {
        throw new FileNotFoundException(file.toString());
      }
      if (files.putIfAbsent(name, content) != null) {
        throw new FileAlreadyExistsException(name.toString());
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public void delete(Path file, String operation) {
    lock.writeLock().lock();
    try {
      files.remove(file);
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public void createDirectory(Path directory, String operation) {
    // They all exist.
  }

  @Override
  public void syncDirectory(Path directory, String operation) {
    // Nothing outlives the process.
  }

  @Override
  public void makeReadOnly(Path file, String operation) {
    // Only this process has the files.
  }

  @Override
  public List<Path> list(Path directory) {
    return List.of();
  }
}
