package dev.zrs.storage;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * A {@code Data.fs} that a fuzzer's bytes describe: well formed as a rule, and wrong where the
 * bytes say so. A fuzzer that changes single bytes of a whole file would hardly ever pass the
 * checks of lengths that stand at both ends of a record.
 */
final class FuzzedDataFile {
  private static final int OBJECTS = 6;

  private final byte[] recipe;
  private final ByteArrayOutputStream file = new ByteArrayOutputStream();
  private final long[] last = new long[OBJECTS];
  private int at;
  private long tid = 0x03f0_0000_0000_0000L;

  private FuzzedDataFile(byte[] recipe) {
    this.recipe = recipe;
  }

  static byte[] of(byte[] recipe) {
    FuzzedDataFile made = new FuzzedDataFile(recipe);
    made.file.writeBytes(DataFile.MAGIC);
    while (made.at < recipe.length) {
      made.transaction();
    }
    return made.file.toByteArray();
  }

  private int next() {
    return at < recipe.length ? recipe[at++] & 0xff : 0;
  }

  /** Mostly the right number. */
  private long number(long right) {
    int choice = next();
    return switch (choice) {
      case 0xff -> -1;
      case 0xfe -> Long.MAX_VALUE;
      case 0xfd -> Long.MIN_VALUE;
      case 0xfc -> 0;
      case 0xfb -> right + 1;
      case 0xfa -> right - 1;
      case 0xf9 -> file.size();
      case 0xf8 -> last[next() % OBJECTS];
      case 0xf7 -> (long) next() << 8 | next();
      case 0xf6 -> -right;
      case 0xf5 -> Integer.MAX_VALUE - (long) next();
      default -> right;
    };
  }

  private void transaction() {
    tid = number(tid + 1 + next());
    int shape = next();
    char status = " pu c\0 x".charAt(shape & 7);
    byte[] extension = (shape & 8) == 0 ? Bytes.EMPTY : bytes(next() & 15);
    TransactionMetadata metadata =
        new TransactionMetadata(bytes(shape >> 4 & 3), bytes(shape >> 6), extension);
    int start = file.size();
    ByteArrayOutputStream records = new ByteArrayOutputStream();
    int position = start + TransactionHeader.FIXED_LENGTH + metadata.length();
    for (int count = next() & 3; count > 0; count--) {
      record(records, position + records.size(), start);
    }
    long length = (long) TransactionHeader.FIXED_LENGTH + metadata.length() + records.size();
    file.writeBytes(TransactionHeader.format(new Tid(tid), number(length), status, metadata));
    file.writeBytes(records.toByteArray());
    file.writeBytes(Bytes.ofLong(number(length)));
    if (next() == 0xff) {
      file.writeBytes(bytes(next()));
    }
  }

  private void record(ByteArrayOutputStream records, int position, int transaction) {
    int object = next() % OBJECTS;
    // The last one lies where no other does.
    long oid = object == OBJECTS - 1 ? number(Long.MIN_VALUE >>> 8) : object;
    byte[] data = data();
    byte[] header = new byte[DataHeader.LENGTH];
    DataHeader.format(
        header,
        0,
        new Oid(oid),
        new Tid(number(tid)),
        number(last[object]),
        number(transaction),
        number(data.length));
    records.writeBytes(header);
    records.writeBytes(data.length == 0 ? Bytes.ofLong(number(last[next() % OBJECTS])) : data);
    last[object] = position;
  }

  private byte[] data() {
    int kind = next();
    return switch (kind & 3) {
      case 0 -> Bytes.EMPTY;
      case 1 -> bytes(1 + (kind >> 2));
      default -> Pickles.mapping(kind >> 4, new Oid(next() % OBJECTS), new Oid(next() % OBJECTS));
    };
  }

  private byte[] bytes(int count) {
    byte[] bytes = Arrays.copyOfRange(recipe, at, at + count);
    at = Math.min(recipe.length, at + count);
    return bytes;
  }
}
