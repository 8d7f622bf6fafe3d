package dev.zrs.replication;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A blob whose blocks are arriving; they go to a temporary file. For one thread. */
final class IncomingBlob implements Closeable {
  private final StreamMessage.RecordHeader header;
  private final byte[] record;
  private final Path file;
  private final FileChannel content;
  private long blocksLeft;

  IncomingBlob(StreamMessage.RecordHeader header, byte[] record, Path file) {
    this.header = header;
    this.record = record;
    this.file = file;
    this.blocksLeft = header.blocks();
    try {
      this.content =
          FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  StreamMessage.RecordHeader header() {
    return header;
  }

  /** The data record. */
  byte[] record() {
    return record;
  }

  /** Where the content is. */
  Path file() {
    return file;
  }

  boolean isComplete() {
    return blocksLeft == 0;
  }

  void write(byte[] block) {
    ByteBuffer bytes = ByteBuffer.wrap(block);
    try {
      while (bytes.hasRemaining()) {
        content.write(bytes);
      }
    } catch (IOException e) {
      throw unwritable(file, e);
    }
    blocksLeft--;
  }

  /** What fails here is the disk, and must not look as if it were the connection. */
  private static ReplicationException unwritable(Path file, IOException e) {
    return new ReplicationException(
        "could not write the blob file %s: %s".formatted(file, e.getMessage()), e);
  }

  @Override
  public void close() {
    try {
      content.close();
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }
}
