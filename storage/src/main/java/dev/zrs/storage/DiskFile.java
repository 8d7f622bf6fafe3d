package dev.zrs.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An open file. Reads and writes name their position and any thread may make them at any time;
 * closing while others read makes their reads fail.
 */
public interface DiskFile extends Closeable {
  /**
   * Fills {@code target} from {@code position} on, as far as the file goes.
   *
   * @return how many bytes were read: less than asked only at the end of the file
   */
  int read(ByteBuffer target, long position) throws IOException;

  /** Writes all of {@code source}. */
  void write(ByteBuffer source, long position, String operation) throws IOException;

  void truncate(long size, String operation) throws IOException;

  /** When this returns, all that was written before the call survives a power cut. */
  void sync(String operation) throws IOException;

  /** Size in bytes. */
  long size() throws IOException;
}
