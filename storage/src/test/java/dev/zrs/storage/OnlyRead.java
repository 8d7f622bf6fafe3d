package dev.zrs.storage;

import java.nio.ByteBuffer;

/** A file that nobody may change. */
interface OnlyRead extends DiskFile {
  @Override
  default void write(ByteBuffer source, long position, String operation) {
    throw new AssertionError("may only be read: " + operation);
  }

  @Override
  default void truncate(long size, String operation) {
    throw new AssertionError("may only be read: " + operation);
  }

  @Override
  default void sync(String operation) {
    throw new AssertionError("may only be read: " + operation);
  }
}
