package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * A disk on which whatever would change something below some directories fails, and is noted. Any
 * thread may call.
 */
final class GuardedDisk implements Disk {
  private final Disk disk;
  private final List<String> violations = Collections.synchronizedList(new ArrayList<>());
  private volatile List<Path> guarded = List.of();

  GuardedDisk(Disk disk) {
    this.disk = disk;
  }

  /** Guards these directories, and no others, from now on. */
  void guard(Path... directories) {
    guarded = List.copyOf(Arrays.asList(directories));
  }

  /** What was tried. */
  List<String> violations() {
    return List.copyOf(violations);
  }

  private void check(Path file, String operation) throws IOException {
    if (guarded.stream().anyMatch(file::startsWith)) {
      violations.add(operation + " " + file);
      throw new IOException("not to be changed: " + operation + " " + file);
    }
  }

  @Override
  public Lock lock(Path file) {
    return disk.lock(file);
  }

  @Override
  public DiskFile open(Path file, Mode mode, String operation) throws IOException {
    if (mode != Mode.READ) {
      check(file, operation);
    }
    return new GuardedFile(file, disk.open(file, mode, operation));
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
    check(from, operation);
    check(to, operation);
    disk.rename(from, to, operation);
  }

  @Override
  public void link(Path file, Path name, String operation) throws IOException {
    // The file itself changes too: its number of names.
    check(file, operation);
    check(name, operation);
    disk.link(file, name, operation);
  }

  @Override
  public void delete(Path file, String operation) throws IOException {
    check(file, operation);
    disk.delete(file, operation);
  }

  @Override
  public void createDirectory(Path directory, String operation) throws IOException {
    check(directory, operation);
    disk.createDirectory(directory, operation);
  }

  @Override
  public void syncDirectory(Path directory, String operation) throws IOException {
    disk.syncDirectory(directory, operation);
  }

  @Override
  public void makeReadOnly(Path file, String operation) throws IOException {
    check(file, operation);
    disk.makeReadOnly(file, operation);
  }

  @Override
  public List<Path> list(Path directory) throws IOException {
    return disk.list(directory);
  }

  private final class GuardedFile implements DiskFile {
    private final Path path;
    private final DiskFile file;

    GuardedFile(Path path, DiskFile file) {
      this.path = path;
      this.file = file;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      return file.read(target, position);
    }

    @Override
    public void write(ByteBuffer source, long position, String operation) throws IOException {
      check(path, operation);
      file.write(source, position, operation);
    }

    @Override
    public void truncate(long size, String operation) throws IOException {
      check(path, operation);
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
