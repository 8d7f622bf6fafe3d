package dev.zrs.replication;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.RecordForm;
import dev.zrs.pickle.Unpickler;
import dev.zrs.storage.DataRecord;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.TransactionRecord;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction says, in short, to compare one's own with the upstream's: 16 bytes for each
 * record. For one thread.
 *
 * <p>A pack on one side may have removed records of its copy; only what a pack can do is allowed to
 * differ.
 */
final class TransactionPrint {
  private static final char STATUS_PACKED = 'p';

  /** A record; of its data, the first bytes of the MD5. */
  private record RecordPrint(long oid, long data) {}

  private final Tid tid;
  private final boolean packed;
  private final TransactionMetadata metadata;
  private long[] records = new long[32];
  private int used;

  TransactionPrint(Tid tid, char status, TransactionMetadata metadata) {
    this.tid = tid;
    this.packed = status == STATUS_PACKED;
    this.metadata = metadata;
  }

  /** Of a transaction in a file, which this reads to its end. */
  static TransactionPrint of(TransactionRecord transaction) {
    TransactionPrint print =
        new TransactionPrint(transaction.tid(), transaction.status(), transaction.metadata());
    DataRecord record = transaction.nextRecord();
    while (record != null) {
      print.add(record.oid(), record.data());
      record = transaction.nextRecord();
    }
    return print;
  }

  /**
   * Adds a record.
   *
   * @param data null if the creation of the object is undone
   */
  void add(Oid oid, byte @Nullable [] data) {
    if (used == records.length) {
      records = Arrays.copyOf(records, 2 * used);
    }
    records[used++] = oid.value();
    records[used++] = data == null ? 0 : ByteBuffer.wrap(Md5.of(plain(data))).getLong();
  }

  /** A secondary of zc.zrs may have been one that compresses what it gets. */
  private static byte[] plain(byte[] data) {
    try {
      return RecordForm.plain(data);
    } catch (PickleException e) {
      return data;
    }
  }

  Tid tid() {
    return tid;
  }

  /** What of the other transaction, which has the same tid, can't be the same; empty if nothing. */
  Optional<String> differenceFrom(TransactionPrint other) {
    if (!Arrays.equals(metadata.user(), other.metadata.user())) {
      return Optional.of("its user differs");
    }
    if (!Arrays.equals(metadata.description(), other.metadata.description())) {
      return Optional.of("its description differs");
    }
    if (!Arrays.equals(canonical(metadata.extension()), canonical(other.metadata.extension()))) {
      return Optional.of("its extension differs");
    }
    return sameRecords(other) ? Optional.empty() : Optional.of("its records differ");
  }

  /** The same value may be pickled in several ways. What can't be sent is not replicated. */
  private static byte[] canonical(byte[] extension) {
    try {
      Object value = extension.length == 0 ? new PyDict() : Unpickler.load(extension);
      return PickleWriter.zrs()
          .limitedTo(TransactionAssembler.MAX_MESSAGE)
          .write(value)
          .toByteArray();
    } catch (PickleException e) {
      return PickleWriter.zrs().write(new PyDict()).toByteArray();
    }
  }

  private boolean sameRecords(TransactionPrint other) {
    if (packed && other.packed) {
      return haveNoOtherStates(other);
    }
    if (packed) {
      return other.all().containsAll(all());
    }
    if (other.packed) {
      return all().containsAll(other.all());
    }
    return Arrays.equals(records, 0, used, other.records, 0, other.used);
  }

  private Set<RecordPrint> all() {
    Set<RecordPrint> all = new HashSet<>();
    for (int i = 0; i < used; i += 2) {
      all.add(new RecordPrint(records[i], records[i + 1]));
    }
    return all;
  }

  /** Each side's pack may have left other objects; those that both have must be the same. */
  private boolean haveNoOtherStates(TransactionPrint other) {
    Map<Long, Long> mine = states();
    return other.states().entrySet().stream()
        .allMatch(
            theirs -> {
              Long data = mine.get(theirs.getKey());
              return data == null || data.equals(theirs.getValue());
            });
  }

  private Map<Long, Long> states() {
    Map<Long, Long> states = new HashMap<>();
    for (int i = 0; i < used; i += 2) {
      states.put(records[i], records[i + 1]);
    }
    return states;
  }
}
