package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/**
 * The data of one record of a buffered transaction: in memory, or in a temporary file once the
 * transaction has grown too large. For one thread at a time.
 */
final class BufferedData {
  private final int length;
  private byte @Nullable [] bytes;
  private @Nullable FileChannel spill;
  private long position;

  BufferedData(byte[] bytes) {
    this.bytes = bytes;
    this.length = bytes.length;
  }

  int length() {
    return length;
  }

  /** The data; read again from the temporary file if they are there. */
  byte[] get() {
    byte[] inMemory = bytes;
    if (inMemory != null) {
      return inMemory;
    }
    ByteBuffer buffer = ByteBuffer.allocate(length);
    FileChannel channel = spill;
    try {
      while (channel != null && buffer.hasRemaining()) {
        if (channel.read(buffer, position + buffer.position()) < 0) {
          throw new IOException("the temporary file of a transaction is too short");
        }
      }
    } catch (IOException e) {
      throw new StorageException("reading a transaction's temporary file failed: " + e, e);
    }
    return buffer.array();
  }

  /**
   * Moves the data out of memory.
   *
   * @return the position behind them
   */
  long spillTo(FileChannel channel, long at) throws IOException {
    byte[] inMemory = bytes;
    if (inMemory == null) {
      return at;
    }
    ByteBuffer source = ByteBuffer.wrap(inMemory);
    while (source.hasRemaining()) {
      channel.write(source, at + source.position());
    }
    spill = channel;
    position = at;
    bytes = null;
    return at + length;
  }
}
