package dev.zrs.storage;

/**
 * Reads data records at any positions, one after the other. Objects that refer to each other often
 * stand together in the file, so it reads blocks, and keeps some of them. For one thread, and for a
 * part of the file that does not change.
 */
final class RecordBuffer {
  /** A block begins at a multiple of its size, which is that of a page of the system's cache. */
  static final int BLOCK = 4 << 10;

  /** So many blocks are kept: the last one of all with the same remainder of their number. */
  private static final int BLOCKS = 32;

  /** What is read of a record whose header is not in one block. */
  private static final int FIRST_READ = 1024;

  /** An array that grew for a record beyond this size is not kept. */
  private static final int KEPT = 64 << 10;

  private final DataFile file;
  private final Block[] blocks = new Block[BLOCKS];

  /** For records that are not in one block. */
  private byte[] own = new byte[FIRST_READ];

  // The record that was begun last: where its header stands, and how much there is from there on.
  private byte[] bytes = own;
  private int offset;
  private int available;

  RecordBuffer(DataFile file) {
    this.file = file;
    for (int i = 0; i < BLOCKS; i++) {
      blocks[i] = new Block();
    }
  }

  /**
   * The header of the record at a position, which must be one of {@code oid}. Its data may not be
   * there yet: {@link #complete} reads them.
   *
   * @throws CorruptDataException if it can't be right
   */
  DataHeader begin(long position, long oid) {
    release();
    long number = position / BLOCK;
    Block block = blocks[(int) (number % BLOCKS)];
    block.read(number);
    use(block.bytes, (int) (position % BLOCK), block.length);
    if (available < DataHeader.LENGTH) {
      use(own, 0, file.readUpTo(position, own, 0, FIRST_READ));
    }
    if (available < DataHeader.LENGTH) {
      throw new CorruptDataException(
          file.path(), position, new Oid(oid), null, "the file ends here");
    }
    return file.checked(DataHeader.parse(bytes, offset, position), oid);
  }

  private void use(byte[] array, int from, int end) {
    bytes = array;
    offset = from;
    available = end - from;
  }

  /**
   * Reads what is missing of the record that was begun last, which must have data: they are in
   * {@link #bytes} behind a header.
   *
   * @return where the header stands there
   * @throws CorruptDataException if the file ends before
   */
  int complete(DataHeader header) {
    int length = (int) header.length();
    int missing = length - available;
    if (missing > 0) {
      byte[] whole = length <= own.length ? own : new byte[length];
      System.arraycopy(bytes, offset, whole, 0, available);
      if (file.readUpTo(header.position() + available, whole, available, missing) < missing) {
        throw file.damaged(header, "the file ends within the record");
      }
      own = whole;
      use(whole, 0, length);
    }
    return offset;
  }

  /** Lets go of the memory that a long record has taken. */
  void release() {
    if (own.length > KEPT) {
      own = new byte[FIRST_READ];
      use(own, 0, 0);
    }
  }

  /** Where the record is that was read last; the next one may take its place. */
  byte[] bytes() {
    return bytes;
  }

  private final class Block {
    final byte[] bytes = new byte[BLOCK];
    long number = -1;
    int length;

    void read(long wanted) {
      if (number != wanted) {
        // If the read fails, there is nothing.
        number = -1;
        length = file.readUpTo(wanted * BLOCK, bytes, 0, BLOCK);
        number = wanted;
      }
    }
  }
}
