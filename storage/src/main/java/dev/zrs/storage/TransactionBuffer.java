package dev.zrs.storage;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction wants to change, collected before the commit lock is taken. Large transactions
 * go to a temporary file, so that memory stays bounded by {@value #MEMORY_LIMIT} bytes of data plus
 * a small entry for each record.
 *
 * <p>One thread at a time. The byte arrays that are handed in belong to the buffer from then on,
 * and so do temporary blob files: they are moved by a successful vote, and removed by {@link
 * #close}, which the one who began the transaction must call.
 */
public final class TransactionBuffer implements AutoCloseable {
  /** Bytes of record data beyond which a transaction is kept in a temporary file. */
  public static final int MEMORY_LIMIT = 16 << 20;

  /** The same for all open transactions of a storage together: an eighth of the heap. */
  private static final long ALL_LIMIT = Runtime.getRuntime().maxMemory() / 8;

  private final FileStorage storage;
  private final TransactionMetadata metadata;
  private final @Nullable Object origin;
  private final @Nullable Tid tid;
  private final char status;
  private final List<RecordOperation> operations = new ArrayList<>();

  /** Where the stores of each object are; empty until the first conflict is resolved. */
  private final Map<Oid, List<Integer>> storesOf = new HashMap<>();

  /** What is made of the data, one after the other. */
  private final List<RecordLayer> layers = new ArrayList<>();

  private final List<BufferedData> inMemory = new ArrayList<>();
  private boolean mergesConflicts = true;
  private long memoryBytes;
  private long byteCount;
  private int recordCount;
  private long spillEnd;
  private @Nullable FileChannel spill;

  TransactionBuffer(
      FileStorage storage,
      TransactionMetadata metadata,
      @Nullable Object origin,
      @Nullable Tid tid,
      char status) {
    this.storage = storage;
    this.metadata = metadata;
    this.origin = origin;
    this.tid = tid;
    this.status = status;
  }

  /** Has all data that come put into another form, before the layers that are there already. */
  void addLayer(RecordLayer layer) {
    layers.addFirst(layer);
  }

  /**
   * Stores a new state of an object. That {@code serial} is still current is checked at the vote.
   *
   * @param serial what the change is based on; {@link Tid#NONE} for a new object
   * @param data the record; not empty, for an empty one would be read as a back-pointer
   * @throws StorageException if the data are empty
   */
  public void store(Oid oid, Tid serial, byte[] data) {
    add(new RecordOperation.Store(oid, serial, buffer(data), null));
  }

  private void add(RecordOperation.Store store) {
    operations.add(store);
    if (!storesOf.isEmpty()) {
      note(store, operations.size() - 1);
    }
  }

  private void note(RecordOperation.Store store, int place) {
    storesOf.computeIfAbsent(store.oid(), any -> new ArrayList<>(1)).add(place);
  }

  /**
   * Replaces what is to be stored for an object, after its conflict was resolved. If it has a blob
   * the blob stays.
   *
   * @param serial what the new state is based on: the one that the object has now
   * @throws StorageException if the data are empty
   */
  public void resolve(Oid oid, Tid serial, byte[] data) {
    if (storesOf.isEmpty()) {
      for (int i = 0; i < operations.size(); i++) {
        if (operations.get(i) instanceof RecordOperation.Store store) {
          note(store, i);
        }
      }
    }
    List<Integer> places = storesOf.getOrDefault(oid, List.of());
    if (places.isEmpty()) {
      store(oid, serial, data);
      return;
    }
    BufferedData resolved = buffer(data);
    recordCount--;
    byteCount -= resolved.length();
    for (int place : places) {
      RecordOperation.Store old = (RecordOperation.Store) operations.get(place);
      byteCount += resolved.length() - old.data().length();
      operations.set(place, new RecordOperation.Store(oid, serial, resolved, old.blob()));
    }
  }

  /** As {@link #store}, with the content of a blob in a file that {@code createTemporary} named. */
  public void storeBlob(Oid oid, Tid serial, byte[] data, Path temporaryFile) {
    add(new RecordOperation.Store(oid, serial, buffer(data), temporaryFile));
  }

  /**
   * Deletes an object. That {@code serial} is still current is checked at the vote. Whoever refers
   * to the object is not looked for; this is for garbage collectors, which know.
   */
  public void delete(Oid oid, Tid serial) {
    operations.add(new RecordOperation.Delete(oid, serial));
    recordCount++;
  }

  /**
   * Takes back an earlier transaction: gives its objects the state that they had before. Several
   * may be taken back, the latest first.
   */
  public void undo(Tid tid) {
    operations.add(new RecordOperation.Undo(tid));
  }

  /** Makes the vote fail unless {@code serial} is still the object's current one. */
  public void checkCurrent(Oid oid, Tid serial) {
    operations.add(new RecordOperation.CheckCurrent(oid, serial));
  }

  /**
   * Takes over a record of another storage, without checks.
   *
   * @param data null where the creation of the object is undone
   * @param dataTid the transaction whose record holds the same data, for a back-pointer; a hint
   */
  public void restore(Oid oid, Tid serial, byte @Nullable [] data, @Nullable Tid dataTid) {
    operations.add(
        new RecordOperation.Restore(
            oid, serial, data == null ? null : buffer(data), dataTid, null));
    if (data == null) {
      recordCount++;
    }
  }

  /** As {@link #restore}, with the content of a blob. */
  public void restoreBlob(
      Oid oid, Tid serial, byte[] data, @Nullable Tid dataTid, Path temporaryFile) {
    operations.add(new RecordOperation.Restore(oid, serial, buffer(data), dataTid, temporaryFile));
  }

  /**
   * Has no change merged with one that was committed since: each is a conflict, even if it is of an
   * object that the storage can merge. An undo is merged all the same.
   */
  public void leaveConflicts() {
    mergesConflicts = false;
  }

  boolean mergesConflicts() {
    return mergesConflicts;
  }

  /** How many records it has. */
  public int recordCount() {
    return recordCount;
  }

  /** Bytes of data in its records. */
  public long byteCount() {
    return byteCount;
  }

  /** Removes all temporary files; the buffer is of no use after it. */
  @Override
  public void close() {
    storage
        .blobs()
        .ifPresent(
            blobs -> {
              for (RecordOperation operation : operations) {
                Path blob = blobOf(operation);
                if (blob != null) {
                  blobs.discard(blob);
                }
              }
            });
    operations.clear();
    letGo();
    FileChannel channel = spill;
    if (channel != null) {
      spill = null;
      try {
        channel.close();
      } catch (IOException e) {
        throw new StorageException("closing a transaction's temporary file failed: " + e, e);
      }
    }
  }

  /** Makes blob files durable, before the commit lock is taken. */
  void prepare() {
    for (RecordOperation operation : operations) {
      Path blob = blobOf(operation);
      if (blob != null) {
        try {
          storage.blobs().orElseThrow(TransactionBuffer::noBlobs).sync(blob);
        } catch (IOException e) {
          throw new StorageIoException("sync", blob, e);
        }
      }
    }
  }

  static StorageException noBlobs() {
    return new StorageException("this storage has no blob directory");
  }

  static @Nullable Path blobOf(RecordOperation operation) {
    return switch (operation) {
      case RecordOperation.Store store -> store.blob();
      case RecordOperation.Restore restore -> restore.blob();
      case RecordOperation.Delete delete -> null;
      case RecordOperation.CheckCurrent check -> null;
      case RecordOperation.Undo undo -> null;
    };
  }

  TransactionMetadata metadata() {
    return metadata;
  }

  @Nullable Object origin() {
    return origin;
  }

  /** The tid that it must get; null for one of the storage's choice. */
  @Nullable Tid tid() {
    return tid;
  }

  char status() {
    return status;
  }

  List<RecordOperation> operations() {
    return Collections.unmodifiableList(operations);
  }

  private BufferedData buffer(byte[] given) {
    if (given.length == 0) {
      throw new StorageException("a data record can't be empty");
    }
    byte[] bytes = given;
    for (RecordLayer layer : layers) {
      bytes = layer.stored(bytes);
    }
    BufferedData data = new BufferedData(bytes);
    recordCount++;
    byteCount += bytes.length;
    memoryBytes += bytes.length;
    inMemory.add(data);
    long all = storage.bufferedBytes().addAndGet(bytes.length);
    if (memoryBytes > MEMORY_LIMIT || all > ALL_LIMIT) {
      spill();
    }
    return data;
  }

  private void letGo() {
    inMemory.clear();
    storage.bufferedBytes().addAndGet(-memoryBytes);
    memoryBytes = 0;
  }

  private void spill() {
    try {
      FileChannel channel = spill;
      if (channel == null) {
        channel =
            FileChannel.open(
                Files.createTempFile("zrs-transaction-", ".tmp"),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
        spill = channel;
      }
      for (BufferedData data : inMemory) {
        spillEnd = data.spillTo(channel, spillEnd);
      }
      letGo();
    } catch (IOException e) {
      throw new StorageException("writing a transaction's temporary file failed: " + e, e);
    }
  }
}
