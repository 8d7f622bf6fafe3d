package dev.zrs.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * The lock of a storage: {@code Data.fs.lock}, locked as Python's zc.lockfile does it, with {@code
 * flock(2)}, the holder's pid written into the file. Java's own file locks are POSIX record locks,
 * which on Linux do not exclude a flock; so this calls the system directly.
 *
 * <p>The file stays when the lock is released, as with Python: removing it would let two processes
 * hold locks on two files of the same name. Not for concurrent use.
 */
final class FileLock implements Disk.Lock {
  private static final int LOCK_EXCLUSIVE = 2;
  private static final int LOCK_NON_BLOCKING = 4;
  private static final int READ_WRITE = 2;
  private static final boolean MAC =
      System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("mac");
  private static final int CREATE = MAC ? 0x200 : 0x40;
  private static final int CLOSE_ON_EXEC = MAC ? 0x1000000 : 0x80000;
  private static final int WOULD_BLOCK = MAC ? 35 : 11;
  private static final int MODE = 0666;
  private static final int NO_ENTRY = 2;
  private static final int NO_ACCESS = 13;
  private static final int NO_SPACE = 28;
  private static final int READ_ONLY = 30;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final Linker.Option SAVE_ERRNO = Linker.Option.captureCallState("errno");
  private static final MethodHandle OPEN =
      function(
          "open",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle FLOCK =
      function(
          "flock",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle WRITE =
      function(
          "pwrite",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle TRUNCATE =
      function(
          "ftruncate",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
  private static final MethodHandle CLOSE =
      function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final int descriptor;
  private boolean open = true;

  private FileLock(int descriptor) {
    this.descriptor = descriptor;
  }

  @SuppressWarnings("restricted") // the types above are those of the POSIX functions
  private static MethodHandle function(
      String name, FunctionDescriptor type, Linker.Option... options) {
    Linker.Option[] all = new Linker.Option[options.length + 1];
    all[0] = SAVE_ERRNO;
    System.arraycopy(options, 0, all, 1, options.length);
    return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), type, all);
  }

  /**
   * Takes the lock, without waiting.
   *
   * @throws StorageLockedException if another process, or another storage of this one, has it
   * @throws StorageIoException if the lock file can't be made or written
   */
  static FileLock acquire(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      int descriptor =
          (int)
              OPEN.invokeExact(
                  state,
                  arena.allocateFrom(file.toString()),
                  READ_WRITE | CREATE | CLOSE_ON_EXEC,
                  MODE);
      if (descriptor < 0) {
        throw failure("opening the lock", file, state);
      }
      FileLock lock = new FileLock(descriptor);
      boolean locked = false;
      try {
        if ((int) FLOCK.invokeExact(state, descriptor, LOCK_EXCLUSIVE | LOCK_NON_BLOCKING) != 0) {
          if ((int) ERRNO.get(state, 0L) == WOULD_BLOCK) {
            throw new StorageLockedException(file, holder(file));
          }
          throw failure("locking", file, state);
        }
        lock.writePid(arena, state, file);
        locked = true;
        return lock;
      } finally {
        if (!locked) {
          lock.close();
        }
      }
    } catch (StorageException e) {
      throw e;
    } catch (Throwable e) { // what invokeExact declares; the functions themselves throw nothing
      throw new IllegalStateException("native call failed", e);
    }
  }

  private void writePid(Arena arena, MemorySegment state, Path file) throws Throwable {
    byte[] pid = (" " + ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
    MemorySegment text = arena.allocateFrom(ValueLayout.JAVA_BYTE, pid);
    long written = (long) WRITE.invokeExact(state, descriptor, text, (long) pid.length, 0L);
    if (written != pid.length
        || (int) TRUNCATE.invokeExact(state, descriptor, (long) pid.length) != 0) {
      throw failure("writing the pid", file, state);
    }
  }

  private static String holder(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) { // it only embellishes a message; the lock is held all the same
      return "";
    }
  }

  private static StorageIoException failure(String operation, Path file, MemorySegment state) {
    int errno = (int) ERRNO.get(state, 0L);
    String reason =
        switch (errno) {
          case NO_ENTRY -> "the directory %s does not exist".formatted(Paths.directoryOf(file));
          case NO_ACCESS -> "permission denied";
          case NO_SPACE -> "no space left on device";
          case READ_ONLY -> "the file system is read-only";
          default -> "errno " + errno;
        };
    return new StorageIoException(operation, file, new IOException(reason));
  }

  /** Releases the lock; again is harmless. */
  @Override
  public void close() {
    if (!open) {
      return;
    }
    open = false;
    try (Arena arena = Arena.ofConfined()) {
      int result = (int) CLOSE.invokeExact(arena.allocate(CAPTURE), descriptor);
      assert result == 0;
    } catch (Throwable e) { // what invokeExact declares; close(2) itself throws nothing
      throw new IllegalStateException("native call failed", e);
    }
  }
}
