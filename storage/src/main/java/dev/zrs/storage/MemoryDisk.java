package dev.zrs.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Files in memory, for storages that need not outlive the process. Every directory exists; there
 * are no blobs, as their contents go to other processes by file name. Any thread may call.
 */
public final class MemoryDisk implements Disk {
  private static final int CHUNK = 1 << 20;

  /** Guards {@link #files}. */
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

  private final Map<Path, Content> files = new HashMap<>();

  /** The bytes of a file, in pieces, so that it may be larger than an array. */
  private static final class Content {
    /** Guards the fields below. */
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

    private final List<byte[]> chunks = new ArrayList<>();
    private long size;

    int read(ByteBuffer target, long position) {
      lock.readLock().lock();
      try {
        int total = 0;
        long at = position;
        while (target.hasRemaining() && at < size) {
          int offset = (int) (at % CHUNK);
          int count = (int) Math.min(Math.min(target.remaining(), CHUNK - offset), size - at);
          target.put(chunks.get((int) (at / CHUNK)), offset, count);
          at += count;
          total += count;
        }
        return total;
      } finally {
        lock.readLock().unlock();
      }
    }

    void write(ByteBuffer source, long position) {
      lock.writeLock().lock();
      try {
        long at = position;
        while (source.hasRemaining()) {
          while (chunks.size() <= at / CHUNK) {
            chunks.add(new byte[CHUNK]);
          }
          int offset = (int) (at % CHUNK);
          int count = Math.min(source.remaining(), CHUNK - offset);
          source.get(chunks.get((int) (at / CHUNK)), offset, count);
          at += count;
        }
        size = Math.max(size, at);
      } finally {
        lock.writeLock().unlock();
      }
    }

    void truncate(long length) {
      lock.writeLock().lock();
      try {
        if (length >= size) {
          return;
        }
        size = length;
        while (chunks.size() > (length + CHUNK - 1) / CHUNK) {
          chunks.removeLast();
        }
        if (length % CHUNK != 0) {
          byte[] last = chunks.getLast();
          Arrays.fill(last, (int) (length % CHUNK), CHUNK, (byte) 0);
        }
      } finally {
        lock.writeLock().unlock();
      }
    }

    long size() {
      lock.readLock().lock();
      try {
        return size;
      } finally {
        lock.readLock().unlock();
      }
    }
  }

  private static final class MemoryFile implements DiskFile {
    private final Content content;
    private volatile boolean closed;

    MemoryFile(Content content) {
      this.content = content;
    }

    private Content content() throws ClosedChannelException {
      if (closed) {
        throw new ClosedChannelException();
      }
      return content;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      return content().read(target, position);
    }

    @Override
    public void write(ByteBuffer source, long position, String operation) throws IOException {
      content().write(source, position);
    }

    @Override
    public void truncate(long size, String operation) throws IOException {
      content().truncate(size);
    }

    @Override
    public void sync(String operation) throws IOException {
      content();
    }

    @Override
    public long size() throws IOException {
      return content().size();
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
      Content old = files.get(file);
      if (old == null && (mode == Mode.READ || mode == Mode.READ_WRITE)) {
        throw new FileNotFoundException(file.toString());
      }
      if (old != null && mode == Mode.CREATE) {
        throw new FileAlreadyExistsException(file.toString());
      }
      Content content = old == null || mode == Mode.REPLACE ? new Content() : old;
      files.put(file, content);
      return new MemoryFile(content);
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
      Content content = files.remove(from);
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
      Content content = files.get(file);
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
