package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A file system in memory that keeps account of what was synced, to show what a power cut may leave
 * after each of its operations, and on which any single call can be made to fail.
 *
 * <p>It promises as little as POSIX does: a sync of a file makes its content durable but not its
 * name, a sync of a directory the names in it but not what stands for them. All else may be lost or
 * not, each part for itself; see {@link Survival}. After a sync of a file that failed, what was
 * written before may be lost for good, whatever is synced later, as Linux has it.
 *
 * <p>Any thread may call. All paths are below a root, which always exists.
 */
final class PowerCutDisk implements Disk {
  private final Path root;

  /** Guards all fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final DiskJournal journal;
  private final DiskFaults faults = new DiskFaults();
  private @Nullable String held;
  private boolean holding;

  /** An empty file system. */
  PowerCutDisk(Path root) {
    this(root, new DiskJournal());
  }

  private PowerCutDisk(Path root, DiskJournal journal) {
    this.root = root;
    this.journal = journal;
  }

  private <T extends @Nullable Object> T locked(Supplier<T> call) {
    lock.lock();
    try {
      return call.get();
    } finally {
      lock.unlock();
    }
  }

  /** How many operations there were that change something or make a change durable. */
  int operations() {
    return locked(() -> journal.operations().size());
  }

  /** What the operation was called that has this number, counted from 0. */
  String operation(int number) {
    return locked(() -> journal.operations().get(number));
  }

  /** How many calls there were that may fail. */
  int calls() {
    return locked(faults::calls);
  }

  /**
   * Makes one call fail.
   *
   * @param call its number, counted from 1
   * @param partlyDone whether half of what shall be written is written before it fails
   */
  void failAt(int call, boolean partlyDone) {
    lock.lock();
    try {
      faults.failAt(call, partlyDone);
    } finally {
      lock.unlock();
    }
  }

  /** What the call was that failed; null if none has yet. */
  @Nullable String failed() {
    return locked(faults::failed);
  }

  /** Whether it was a write that failed. */
  boolean failedInWrite() {
    return locked(faults::failedInWrite);
  }

  /** Has calls neither count nor fail, or ends that. */
  void setCounting(boolean value) {
    lock.lock();
    try {
      faults.setCounting(value);
    } finally {
      lock.unlock();
    }
  }

  /** Waits for an operation of this name, among those from number {@code first} on. */
  void awaitOperation(String operation, int first) {
    lock.lock();
    try {
      List<String> operations = journal.operations();
      while (!operations.subList(first, operations.size()).contains(operation)) {
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Has the next sync of this name wait for {@link #release}. */
  void hold(String sync) {
    lock.lock();
    try {
      held = sync;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until a sync waits, or none shall any more. */
  void awaitHeld() {
    lock.lock();
    try {
      while (held != null && !holding) {
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Ends {@link #hold}. */
  void release() {
    lock.lock();
    try {
      held = null;
      holding = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void waitIfHeld(String sync) {
    while (sync.equals(held)) {
      holding = true;
      changed.signalAll();
      changed.awaitUninterruptibly();
    }
  }

  /**
   * What a power cut leaves after the first {@code count} operations, one of many possibilities.
   */
  PowerCutDisk cut(int count, long seed) {
    return locked(() -> new PowerCutDisk(root, journal.cut(count, seed)));
  }

  /**
   * What is there if only the process ends after the first {@code count} operations: everything,
   * but what was not synced is not safe from a later power cut.
   */
  PowerCutDisk killed(int count) {
    return locked(() -> new PowerCutDisk(root, journal.upTo(count)));
  }

  /** Makes what is there now real, below a directory that exists. */
  void writeTo(Path target) throws IOException {
    lock.lock();
    try {
      present().writeTo(target);
    } finally {
      lock.unlock();
    }
  }

  // Each of the following holds the lock.

  private SimulatedFiles present() {
    return journal.present();
  }

  private void change(DiskChange change, String operation) {
    journal.change(change, operation);
    changed.signalAll();
  }

  private int node(Path path) throws IOException {
    Integer node = nodeOrNull(path);
    if (node == null) {
      throw new NoSuchFileException(path.toString());
    }
    return node;
  }

  private @Nullable Integer nodeOrNull(Path path) {
    if (path.equals(root)) {
      return SimulatedFiles.ROOT;
    }
    if (!path.startsWith(root)) {
      throw new IllegalArgumentException(path + " is outside of the simulated file system");
    }
    Integer node = SimulatedFiles.ROOT;
    for (Path name : root.relativize(path)) {
      node =
          node != null && present().isDirectory(node)
              ? present().find(node, name.toString())
              : null;
    }
    return node;
  }

  private int directoryOf(Path path) throws IOException {
    return node(Objects.requireNonNull(path.getParent()));
  }

  private static String nameOf(Path path) {
    return Objects.requireNonNull(path.getFileName()).toString();
  }

  /** There is one process in this world. */
  @Override
  public Lock lock(Path file) {
    return () -> {};
  }

  @Override
  public DiskFile open(Path path, Mode mode, String operation) throws IOException {
    lock.lock();
    try {
      faults.call(operation);
      Integer file = nodeOrNull(path);
      switch (mode) {
        case READ, READ_WRITE -> file = node(path);
        case CREATE -> {
          if (file != null) {
            throw new FileAlreadyExistsException(path.toString());
          }
        }
        case REPLACE -> {
          if (file != null) {
            change(new DiskChange.Truncate(file, 0), operation);
          }
        }
      }
      if (file == null) {
        file = journal.newNode();
        change(new DiskChange.Name(directoryOf(path), nameOf(path), file), operation);
      }
      return new SimulatedFile(file, mode != Mode.READ);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean exists(Path path) {
    return locked(() -> nodeOrNull(path)) != null;
  }

  @Override
  public boolean isDirectory(Path path) {
    return locked(
        () -> {
          Integer node = nodeOrNull(path);
          return node != null && present().isDirectory(node);
        });
  }

  @Override
  public void rename(Path from, Path to, String operation) throws IOException {
    lock.lock();
    try {
      faults.call(operation);
      int node = node(from);
      if (!Integer.valueOf(node).equals(nodeOrNull(to))) {
        change(
            new DiskChange.Rename(
                directoryOf(from), nameOf(from), directoryOf(to), nameOf(to), node),
            operation);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void link(Path file, Path name, String operation) throws IOException {
    lock.lock();
    try {
      faults.call(operation);
      if (nodeOrNull(name) != null) {
        throw new FileAlreadyExistsException(name.toString());
      }
      change(new DiskChange.Name(directoryOf(name), nameOf(name), node(file)), operation);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void delete(Path path, String operation) throws IOException {
    lock.lock();
    try {
      faults.call(operation);
      Integer node = nodeOrNull(path);
      if (node != null) {
        if (present().isDirectory(node) && !present().names(node).isEmpty()) {
          throw new DirectoryNotEmptyException(path.toString());
        }
        change(new DiskChange.Remove(directoryOf(path), nameOf(path)), operation);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void createDirectory(Path directory, String operation) throws IOException {
    lock.lock();
    try {
      faults.call(operation);
      Integer node = nodeOrNull(directory);
      if (node == null) {
        change(
            new DiskChange.MakeDirectory(
                directoryOf(directory), nameOf(directory), journal.newNode()),
            operation);
      } else if (!present().isDirectory(node)) {
        throw new FileAlreadyExistsException(directory.toString());
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void syncDirectory(Path directory, String operation) throws IOException {
    lock.lock();
    try {
      faults.call(operation);
      journal.syncNames(node(directory), operation);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void makeReadOnly(Path file, String operation) throws IOException {
    lock.lock();
    try {
      faults.call(operation);
      change(new DiskChange.MakeReadOnly(node(file)), operation);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<Path> list(Path directory) throws IOException {
    lock.lock();
    try {
      faults.call("list");
      return present().names(node(directory)).keySet().stream().map(directory::resolve).toList();
    } finally {
      lock.unlock();
    }
  }

  private final class SimulatedFile implements DiskFile {
    private final int file;
    private final boolean writable;

    SimulatedFile(int file, boolean writable) {
      this.file = file;
      this.writable = writable;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      lock.lock();
      try {
        faults.call("read");
        return present().read(file, target, position);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void write(ByteBuffer source, long position, String operation) throws IOException {
      byte[] bytes = new byte[source.remaining()];
      source.get(bytes);
      lock.lock();
      try {
        requireWritable();
        boolean fails = faults.isTurn(operation);
        if (fails) {
          bytes = Arrays.copyOf(bytes, faults.written(bytes.length));
        }
        if (bytes.length > 0) {
          change(new DiskChange.Write(file, position, bytes), operation);
        }
        if (fails) {
          throw faults.failure(operation);
        }
      } finally {
        lock.unlock();
      }
    }

    private void requireWritable() {
      if (!writable) {
        throw new IllegalStateException("opened for reading only");
      }
    }

    @Override
    public void truncate(long size, String operation) throws IOException {
      lock.lock();
      try {
        requireWritable();
        faults.call(operation);
        if (size < present().size(file)) {
          change(new DiskChange.Truncate(file, size), operation);
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void sync(String operation) throws IOException {
      lock.lock();
      try {
        waitIfHeld(operation);
        boolean fails = faults.isTurn(operation);
        journal.syncFile(file, fails, operation);
        changed.signalAll();
        if (fails) {
          throw faults.failure(operation);
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public long size() throws IOException {
      lock.lock();
      try {
        faults.call("size");
        return present().size(file);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      // nothing is kept open, and closing promises nothing
    }
  }
}
