package dev.zrs.storage;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A committed transaction as it stands in the file, its data records to be read one after the
 * other. For one thread; valid until the reader that gave it goes on.
 */
public final class TransactionRecord {
  private final DataFile file;
  private final RecordWindow window;
  private final TransactionHeader header;
  private final TransactionMetadata metadata;

  /** What is taken back of the data, one after the other. */
  private final List<RecordLayer> layers;

  private long next;

  TransactionRecord(
      DataFile file, RecordWindow window, TransactionHeader header, TransactionMetadata metadata) {
    this(file, window, header, metadata, List.of());
  }

  private TransactionRecord(
      DataFile file,
      RecordWindow window,
      TransactionHeader header,
      TransactionMetadata metadata,
      List<RecordLayer> layers) {
    this.layers = layers;
    this.file = file;
    this.window = window;
    this.header = header;
    this.metadata = metadata;
    this.next = header.position() + header.headerLength();
  }

  /** The same transaction, to be read from its first record on with another window. */
  TransactionRecord again(RecordWindow other) {
    return new TransactionRecord(file, other, header, metadata, layers);
  }

  /** The same transaction, to be read from its first record on, with a layer less on its data. */
  TransactionRecord without(RecordLayer layer) {
    List<RecordLayer> more = new ArrayList<>(layers);
    more.add(layer);
    return new TransactionRecord(file, window, header, metadata, more);
  }

  public Tid tid() {
    return header.tid();
  }

  /** The status byte: a space, {@code p} where it is packed, {@code u} where it is undone. */
  public char status() {
    return header.status();
  }

  public TransactionMetadata metadata() {
    return metadata;
  }

  /** Where the record begins in the file. */
  public long position() {
    return header.position();
  }

  /** Where the next transaction begins. */
  public long end() {
    return header.end();
  }

  /**
   * The next data record; null if there is none left.
   *
   * @throws CorruptDataException if it can't be right
   */
  public @Nullable DataRecord nextRecord() {
    UnreadRecord record = nextUnread();
    return record == null ? null : loaded(record.whole());
  }

  private DataRecord loaded(DataRecord record) {
    byte[] data = record.data();
    if (data == null || layers.isEmpty()) {
      return record;
    }
    for (RecordLayer layer : layers) {
      data = layer.loaded(data, file.path().toString(), record.oid(), record.tid());
    }
    return new DataRecord(record.oid(), record.tid(), data, record.dataTid());
  }

  /**
   * The next data record, as it stands in the file and without its data; null if there is none
   * left.
   *
   * @throws CorruptDataException if it can't be right
   */
  public @Nullable UnreadRecord nextUnread() {
    DataHeader record = nextHeader();
    if (record == null) {
      return null;
    }
    if (!record.hasBackPointer()) {
      return new UnreadRecord(file, window, record, record, null);
    }
    long back = file.backPointer(record);
    long oid = record.oid().value();
    return back == 0
        ? new UnreadRecord(file, window, record, null, null)
        : new UnreadRecord(
            file, window, record, file.origin(back, oid), file.dataHeader(back, oid).tid());
  }

  /** Moves over the next data record without reading its data; null if there is none left. */
  @Nullable DataHeader nextHeader() {
    long limit = header.trailerPosition();
    if (next >= limit) {
      return null;
    }
    int offset = window.require(next, DataHeader.LENGTH);
    DataHeader record = offset < 0 ? null : DataHeader.parse(window.buffer(), offset, next);
    if (record == null
        || record.dataLength() < 0
        || record.dataLength() > Integer.MAX_VALUE - 64
        || record.length() > limit - next
        || record.transactionPosition() != header.position()) {
      throw new CorruptDataException(
          file.path(), next, null, header.tid(), "a data record does not fit its transaction");
    }
    next += record.length();
    return record;
  }
}
