package dev.zrs.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Small files in memory, cheap to make. It is as strict as a FileChannel: a position below zero is
 * an error of the caller, not a short read. Not for several threads at a time, but for those of one
 * storage.
 */
final class FuzzDisk implements Disk {
  private static final int LARGEST = 1 << 24;

  private final Map<Path, Content> files = new ConcurrentHashMap<>();

  void put(Path file, byte[] bytes) {
    files.put(file, new Content(bytes));
  }

  byte[] content(Path file) {
    return Objects.requireNonNull(files.get(file)).bytes.clone();
  }

  /** A file's content. */
  private static final class Content implements DiskFile {
    private byte[] bytes;

    Content(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public synchronized int read(ByteBuffer target, long position) {
      if (position < 0) {
        throw new IllegalArgumentException("a read at position " + position);
      }
      int count = (int) Math.min(target.remaining(), Math.max(0, bytes.length - position));
      if (count > 0) {
        target.put(bytes, (int) position, count);
      }
      return count;
    }

    @Override
    public synchronized void write(ByteBuffer source, long position, String operation)
        throws IOException {
      if (position < 0) {
        throw new IllegalArgumentException("a write at position " + position);
      }
      long end = position + source.remaining();
      if (end > LARGEST) {
        throw new IOException("the disk is full");
      }
      if (end > bytes.length) {
        bytes = Arrays.copyOf(bytes, (int) end);
      }
      source.get(bytes, (int) position, source.remaining());
    }

    @Override
    public synchronized void truncate(long size, String operation) {
      if (size < bytes.length) {
        bytes = Arrays.copyOf(bytes, (int) size);
      }
    }

    @Override
    public void sync(String operation) {
      // Nothing is lost here.
    }

    @Override
    public synchronized long size() {
      return bytes.length;
    }

    @Override
    public void close() {
      // The same content serves whoever opens the file next.
    }
  }

  @Override
  public Lock lock(Path file) {
    return () -> {};
  }

  @Override
  public DiskFile open(Path file, Mode mode, String operation) throws IOException {
    Content old = files.get(file);
    if (old == null && (mode == Mode.READ || mode == Mode.READ_WRITE)) {
      throw new FileNotFoundException(file.toString());
    }
    if (old != null && mode == Mode.CREATE) {
      throw new FileAlreadyExistsException(file.toString());
    }
    if (old != null && mode != Mode.REPLACE) {
      return old;
    }
    Content made = new Content(new byte[0]);
    files.put(file, made);
    return made;
  }

  @Override
  public boolean exists(Path file) {
    return files.containsKey(file);
  }

  @Override
  public boolean isDirectory(Path file) {
    return false;
  }

  @Override
  public void rename(Path from, Path to, String operation) throws IOException {
    Content content = files.remove(from);
    if (content == null) {
      throw new FileNotFoundException(from.toString());
    }
    files.put(to, content);
  }

  @Override
  public void link(Path file, Path name, String operation) throws IOException {
    Content content = files.get(file);
    if (content == null) {
      throw new FileNotFoundException(file.toString());
    }
    if (files.putIfAbsent(name, content) != null) {
      throw new FileAlreadyExistsException(name.toString());
    }
  }

  @Override
  public void delete(Path file, String operation) {
    files.remove(file);
  }

  @Override
  public void createDirectory(Path directory, String operation) {
    // They all exist.
  }

  @Override
  public void syncDirectory(Path directory, String operation) {
    // Nothing is lost here.
  }

  @Override
  public void makeReadOnly(Path file, String operation) {
    // Nobody else has the files.
  }

  @Override
  public List<Path> list(Path directory) {
    return List.of();
  }
}
