package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.pickle.RecordPickles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * All that a storage holds: its transactions with their records and blobs, byte for byte.
 *
 * @param transactions the oldest first
 */
record Snapshot(List<Transaction> transactions) {
  static final Snapshot EMPTY = new Snapshot(List.of());

  /** A transaction as a reader sees it. */
  record Transaction(Tid tid, char status, ByteBuffer description, List<Item> items) {}

  /**
   * A data record.
   *
   * @param data null where the object is deleted or its creation undone
   * @param dataTid the transaction that its back-pointer leads to
   * @param blob the content of the blob, if it is one
   */
  record Item(
      Oid oid, @Nullable ByteBuffer data, @Nullable Tid dataTid, @Nullable ByteBuffer blob) {
    /** What an application can see of it. */
    Item content() {
      return new Item(oid, data, null, blob);
    }
  }

  /**
   * Reads everything, in every way, and checks that what was read fits.
   *
   * @param disk where the blobs are
   */
  static Snapshot of(FileStorage storage, Disk disk) throws IOException {
    List<Transaction> transactions = new ArrayList<>();
    Tid last = Tid.NONE;
    try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        assertThat(transaction.tid()).isGreaterThan(last);
        last = transaction.tid();
        transactions.add(read(transaction, storage, disk));
        transaction = reader.next();
      }
    }
    assertThat(storage.lastTransaction()).isEqualTo(last);
    Snapshot snapshot = new Snapshot(transactions);
    snapshot.checkLoads(storage);
    return snapshot;
  }

  private static Transaction read(TransactionRecord transaction, FileStorage storage, Disk disk)
      throws IOException {
    List<Item> items = new ArrayList<>();
    DataRecord record = transaction.nextRecord();
    while (record != null) {
      assertThat(record.tid()).isEqualTo(transaction.tid());
      byte[] data = record.data();
      ByteBuffer blob = null;
      if (data != null && RecordPickles.isBlob(data)) {
        blob = content(storage.blobs().orElseThrow().file(record.oid(), record.tid()), disk);
      }
      items.add(
          new Item(
              record.oid(), data == null ? null : ByteBuffer.wrap(data), record.dataTid(), blob));
      record = transaction.nextRecord();
    }
    return new Transaction(
        transaction.tid(),
        transaction.status(),
        ByteBuffer.wrap(transaction.metadata().description()),
        items);
  }

  private static ByteBuffer content(Path path, Disk disk) throws IOException {
    try (DiskFile file = disk.open(path, Disk.Mode.READ, "read blob")) {
      ByteBuffer content = ByteBuffer.allocate((int) file.size());
      file.read(content, 0);
      return content.flip();
    }
  }

  private void checkLoads(FileStorage storage) {
    Map<Oid, Tid> tids = new LinkedHashMap<>();
    Map<Oid, Item> current = current(tids);
    current.forEach(
        (oid, item) -> {
          if (item.data() == null) {
            assertThatThrownBy(() -> storage.loadBefore(oid, Tid.MAX))
                .isInstanceOf(NoSuchObjectException.class);
          } else {
            Revision revision = Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX));
            assertThat(revision.serial()).isEqualTo(tids.get(oid));
            assertThat(ByteBuffer.wrap(revision.data())).isEqualTo(item.data());
          }
        });
    assertThat(storage.objectCount()).isEqualTo(current.size());
  }

  private Map<Oid, Item> current(Map<Oid, Tid> tids) {
    Map<Oid, Item> current = new LinkedHashMap<>();
    for (Transaction transaction : transactions) {
      for (Item item : transaction.items()) {
        current.put(item.oid(), item);
        tids.put(item.oid(), transaction.tid());
      }
    }
    return current;
  }

  /** The last state of each object that has one, as an application sees it. */
  Map<Oid, Item> current() {
    Map<Oid, Item> states = new LinkedHashMap<>();
    current(new LinkedHashMap<>())
        .forEach(
            (oid, item) -> {
              if (item.data() != null) {
                states.put(oid, item.content());
              }
            });
    return states;
  }

  /** How many data records there are. */
  int records() {
    return transactions.stream().mapToInt(transaction -> transaction.items().size()).sum();
  }

  Snapshot plus(List<Transaction> more) {
    List<Transaction> all = new ArrayList<>(transactions);
    all.addAll(more);
    return new Snapshot(all);
  }

  /** As crash_peer.py prints it. */
  String text() {
    StringBuilder text = new StringBuilder();
    for (Transaction transaction : transactions) {
      text.append("T ").append(transaction.tid()).append(" '").append(transaction.status());
      text.append("' ").append(Dump.digest(array(transaction.description()))).append('\n');
      for (Item item : transaction.items()) {
        text.append("R ").append(item.oid()).append(' ').append(digest(item.data())).append(' ');
        text.append(item.dataTid() == null ? "-" : item.dataTid()).append(' ');
        text.append(digest(item.blob())).append('\n');
      }
    }
    current(new LinkedHashMap<>())
        .forEach(
            (oid, item) -> {
              text.append("L ").append(oid).append(' ').append(digest(item.data())).append('\n');
            });
    return text.toString();
  }

  private static String digest(@Nullable ByteBuffer bytes) {
    return bytes == null ? "-" : Dump.digest(array(bytes));
  }

  private static byte[] array(ByteBuffer bytes) {
    byte[] array = new byte[bytes.remaining()];
    bytes.duplicate().get(array);
    return array;
  }

  /** Short, because there are megabytes. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Transaction transaction : transactions) {
      String description = new String(array(transaction.description()), StandardCharsets.UTF_8);
      text.append(transaction.tid()).append(transaction.status()).append(description);
      for (Item item : transaction.items()) {
        text.append(' ').append(item.oid().value()).append(':');
        text.append(item.data() == null ? "-" : item.data().remaining());
        if (item.blob() != null) {
          text.append("/").append(item.blob().remaining());
        }
      }
      text.append('\n');
    }
    return text.toString();
  }
}
