package dev.zrs.storage;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleLimits;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.Unpickler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The saved index, {@code Data.fs.index}, in Python's format (ZODB/fsIndex): a pickle of the
 * position up to which it is valid; for each prefix of six bytes of oids a pickle of (prefix,
 * bucket), where a bucket is the last two bytes of all its oids followed by as many positions of
 * six bytes; a pickle of None. Older forms, which Python 2 wrote, are not read: the index is then
 * made anew. Not for concurrent use.
 */
final class IndexFile {
  private static final int PREFIX_LENGTH = 6;
  private static final int SUFFIX_LENGTH = 2;
  private static final int POSITION_LENGTH = 6;
  private static final int ENTRY_LENGTH = SUFFIX_LENGTH + POSITION_LENGTH;

  /** A full bucket of 65,536 objects, with room for the opcodes around it. */
  private static final int MAX_PICKLE = (ENTRY_LENGTH << 16) + 1024;

  /** ZODB does not look at the index of a file that is smaller, in bytes. */
  static final int MIN_INDEXED = 100;

  private static final int WRITE_SIZE = 1 << 20;

  private final Disk disk;
  private final Path path;

  IndexFile(Disk disk, Path dataFile) {
    this.disk = disk;
    this.path = Paths.withSuffix(dataFile, ".index");
  }

  Path path() {
    return path;
  }

  /** What a saved index holds. */
  record Loaded(ObjectIndex index, long position) {}

  /**
   * Reads the file.
   *
   * @return null if there is none
   * @throws StorageException if it can't be read or is no index; the message says why
   */
  @Nullable Loaded load() {
    if (!disk.exists(path)) {
      return null;
    }
    try (DiskFile file = disk.open(path, Disk.Mode.READ, "open index")) {
      Input input = new Input(file);
      if (!(input.next() instanceof Long position)) {
        throw new StorageException(path + " is of an old format or no index");
      }
      ObjectIndex index = new ObjectIndex();
      Object entry = input.next();
      while (entry != PyNone.NONE) {
        if (!(entry instanceof PyTuple pair) || pair.size() != 2) {
          throw new StorageException(path + " is no index");
        }
        readBucket(index, Py.asBytes(pair.get(0)), Py.asBytes(pair.get(1)));
        entry = input.next();
      }
      return new Loaded(index, position);
    } catch (PickleException e) {
      throw new StorageException(path + " is no index: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new StorageIoException("reading", path, e);
    }
  }

  private void readBucket(ObjectIndex index, byte[] prefix, byte[] bucket) {
    if (prefix.length != PREFIX_LENGTH || bucket.length % ENTRY_LENGTH != 0) {
      throw new StorageException(path + " has a bucket of a wrong length");
    }
    int count = bucket.length / ENTRY_LENGTH;
    byte[] oid = Arrays.copyOf(prefix, Oid.BYTES);
    byte[] position = new byte[8];
    for (int i = 0; i < count; i++) {
      System.arraycopy(bucket, i * SUFFIX_LENGTH, oid, PREFIX_LENGTH, SUFFIX_LENGTH);
      System.arraycopy(
          bucket,
          count * SUFFIX_LENGTH + i * POSITION_LENGTH,
          position,
          position.length - POSITION_LENGTH,
          POSITION_LENGTH);
      long value = Bytes.getLong(position, 0);
      if (value == 0) {
        throw new StorageException(path + " has an object at position 0");
      }
      index.put(Bytes.getLong(oid, 0), value);
    }
  }

  /**
   * Writes the file: a temporary one first, which then takes its place. The index may change
   * meanwhile: what is saved is its state at one point, the end of the last visible transaction.
   */
  void save(FileGeneration generation) {
    DataFile data = generation.file();
    long end = generation.visibleEnd();
    if (end >= MIN_INDEXED && generation.index().size() == 0) {
      // Python fails at a file without a record if it has an index.
      delete();
      return;
    }
    Path temporary = Paths.withSuffix(path, ".index_tmp");
    try {
      try (DiskFile file = disk.open(temporary, Disk.Mode.REPLACE, "create index")) {
        Output output = new Output(file);
        output.writer.start();
        output.writer.integer(end);
        output.writer.stop();
        generation
            .index()
            .forEach(
                (oid, position) -> {
                  long at = position;
                  while (at >= end) {
                    at = data.previous(data.dataHeader(at, oid));
                  }
                  if (at != 0) {
                    output.add(oid, at);
                  }
                });
        output.finish();
        file.sync("sync index");
      }
      disk.rename(temporary, path, "commit index");
      disk.syncDirectory(Paths.directoryOf(path), "sync index's directory");
    } catch (IOException e) {
      throw new StorageIoException("writing", path, e);
    }
  }

  /** Removes the file, because the data file shall not be read with it. */
  void delete() {
    try {
      if (disk.exists(path)) {
        disk.delete(path, "delete index");
        disk.syncDirectory(Paths.directoryOf(path), "sync index's directory");
      }
    } catch (IOException e) {
      throw new StorageIoException("deleting", path, e);
    }
  }

  /** One pickle after the other, with only a part of the file in memory. */
  private static final class Input {
    private final DiskFile file;
    private final byte[] buffer = new byte[4 * MAX_PICKLE];
    private long position;
    private int at;
    private int length;

    Input(DiskFile file) {
      this.file = file;
    }

    Object next() throws IOException {
      if (length - at < MAX_PICKLE) {
        position += at;
        at = 0;
        length = file.read(ByteBuffer.wrap(buffer), position);
      }
      Unpickler unpickler = new Unpickler(buffer, at, length - at, PickleLimits.DEFAULT);
      Object value = unpickler.load();
      at = unpickler.position();
      return value;
    }
  }

  /** Collects the objects of one prefix, then writes their bucket. */
  private static final class Output {
    private final DiskFile file;
    private final PickleWriter writer = PickleWriter.zeo();
    private final byte[] suffixes = new byte[SUFFIX_LENGTH << 16];
    private final byte[] positions = new byte[POSITION_LENGTH << 16];
    private final byte[] number = new byte[8];
    private long prefix;
    private int count;
    private long written;

    Output(DiskFile file) {
      this.file = file;
    }

    void add(long oid, long position) throws IOException {
      if (count > 0 && oid >>> 16 != prefix) {
        writeBucket();
      }
      prefix = oid >>> 16;
      Bytes.putShort(suffixes, count * SUFFIX_LENGTH, (int) oid);
      Bytes.putLong(number, 0, position);
      System.arraycopy(number, 2, positions, count * POSITION_LENGTH, POSITION_LENGTH);
      count++;
    }

    private void writeBucket() throws IOException {
      writer.start();
      writer.bytes(Bytes.ofLong(prefix), 2, PREFIX_LENGTH);
      byte[] bucket = new byte[count * ENTRY_LENGTH];
      System.arraycopy(suffixes, 0, bucket, 0, count * SUFFIX_LENGTH);
      System.arraycopy(positions, 0, bucket, count * SUFFIX_LENGTH, count * POSITION_LENGTH);
      writer.bytes(bucket, 0, bucket.length);
      writer.tuple2();
      writer.stop();
      count = 0;
      if (writer.size() >= WRITE_SIZE) {
        flush();
      }
    }

    private void flush() throws IOException {
      file.write(ByteBuffer.wrap(writer.buffer(), 0, writer.size()), written, "write index");
      written += writer.size();
      writer.reset();
    }

    void finish() throws IOException {
      if (count > 0) {
        writeBucket();
      }
      writer.start();
      writer.none();
      writer.stop();
      flush();
    }
  }
}
