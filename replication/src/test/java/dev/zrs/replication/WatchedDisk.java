package dev.zrs.replication;

import dev.zrs.storage.Disk;
import dev.zrs.storage.DiskFile;
import dev.zrs.storage.RealDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A real disk that counts what is done, and fails what it is told to. Any thread may call. */
final class WatchedDisk implements Disk {
  private final Disk disk = new RealDisk();
  private final Map<String, Integer> counts = new ConcurrentHashMap<>();
  private final Map<String, String> failing = new ConcurrentHashMap<>();

  /** How often an operation was done. */
  int count(String operation) {
    return counts.getOrDefault(operation, 0);
  }

  /** Has every operation of this name fail from now on. */
  void fail(String operation, String message) {
    failing.put(operation, message);
  }

  /** All is well again. */
  void heal() {
    failing.clear();
  }

  private void check(String operation) throws IOException {
    counts.merge(operation, 1, Integer::sum);
    String message = failing.get(operation);
    if (message != null) {
      throw new IOException(message);
    }
  }

  @Override
  public Lock lock(Path file) {
    return disk.lock(file);
  }

  @Override
  public DiskFile open(Path file, Mode mode, String operation) throws IOException {
    check(operation);
    return new WatchedFile(disk.open(file, mode, operation));
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
    check(operation);
    disk.rename(from, to, operation);
  }

  @Override
  public void link(Path file, Path name, String operation) throws IOException {
    check(operation);
    disk.link(file, name, operation);
  }

  @Override
  public void delete(Path file, String operation) throws IOException {
    check(operation);
    disk.delete(file, operation);
  }

  @Override
  public void createDirectory(Path directory, String operation) throws IOException {
    check(operation);
    disk.createDirectory(directory, operation);
  }

  @Override
  public void syncDirectory(Path directory, String operation) throws IOException {
    check(operation);
    disk.syncDirectory(directory, operation);
  }

  @Override
  public void makeReadOnly(Path file, String operation) throws IOException {
    check(operation);
    disk.makeReadOnly(file, operation);
  }

  @Override
  public List<Path> list(Path directory) throws IOException {
    return disk.list(directory);
  }

  private final class WatchedFile implements DiskFile {
    private final DiskFile file;

    WatchedFile(DiskFile file) {
      this.file = file;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      return file.read(target, position);
    }

    @Override
    public void write(ByteBuffer source, long position, String operation) throws IOException {
      check(operation);
      file.write(source, position, operation);
    }

    @Override
    public void truncate(long size, String operation) throws IOException {
      check(operation);
      file.truncate(size, operation);
    }

    @Override
    public void sync(String operation) throws IOException {
      check(operation);
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
