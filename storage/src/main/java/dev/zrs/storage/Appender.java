package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes transaction records at the end of the file. All of it happens under the commit lock, which
 * guards every field but {@code failure}.
 */
final class Appender {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.FileStorage");
  private static final int WRITE_SIZE = 256 << 10;

  private final DataFile file;
  private final ObjectIndex index;
  private final PendingTransactions pending;
  private final Optional<BlobDirectory> blobs;
  private final InstantSource clock;
  private final AtomicLong maxOid;
  private long end;
  private Tid lastTid;
  private volatile @Nullable StorageException failure;

  Appender(
      DataFile file,
      ObjectIndex index,
      PendingTransactions pending,
      Optional<BlobDirectory> blobs,
      InstantSource clock,
      AtomicLong maxOid,
      long end,
      Tid lastTid) {
    this.file = file;
    this.index = index;
    this.pending = pending;
    this.blobs = blobs;
    this.clock = clock;
    this.maxOid = maxOid;
    this.end = end;
    this.lastTid = lastTid;
  }

  /** A data record as it will stand in the file. */
  private record Planned(
      Oid oid, Tid serial, long previous, @Nullable BufferedData data, long backPointer) {
    long length() {
      long content = data == null ? DataHeader.BACK_POINTER_LENGTH : data.length();
      return DataHeader.LENGTH + content;
    }
  }

  /** Where the next transaction record will begin. */
  long end() {
    return end;
  }

  /** Tid of the newest transaction, pending ones included. */
  Tid lastTid() {
    return lastTid;
  }

  /**
   * Checks a transaction against the current state and writes it at the end of the file, with its
   * blobs; the next one still goes to the same place, until {@link #accept}. If this fails nothing
   * is left of it.
   *
   * @param status what to write as the status; {@code c} for one that is not finished
   */
  AppendedTransaction append(TransactionBuffer buffer, char status) {
    Tid tid = chooseTid(buffer);
    List<Planned> plan = plan(buffer, tid);
    AppendedTransaction appended = layOut(buffer, tid, plan);
    boolean complete = false;
    try {
      write(buffer.metadata(), status, appended, plan);
      commitBlobs(buffer, appended);
      complete = true;
      return appended;
    } catch (IOException e) {
      throw new StorageIoException("append", file.path(), e);
    } finally {
      if (!complete) {
        rollBack(appended);
      }
    }
  }

  /** Fixes the place of an appended transaction in the order. */
  void accept(AppendedTransaction appended) {
    end = appended.end();
    lastTid = appended.tid();
  }

  /** Goes back to an earlier end, after everything behind it was rolled back. */
  void reset(long earlierEnd, Tid earlierTid) {
    end = earlierEnd;
    lastTid = earlierTid;
  }

  /**
   * Takes an appended transaction, and everything after it, out of the file again. If that fails
   * nothing may be appended any more: what a shorter transaction would leave of this one behind its
   * own end could be taken for a record.
   */
  void rollBack(AppendedTransaction appended) {
    try {
      file.file().truncate(appended.position(), "truncate aborted transaction");
      for (AppendedTransaction.Blob blob : appended.blobs()) {
        blobs.orElseThrow(TransactionBuffer::noBlobs).remove(blob.oid(), blob.serial());
      }
    } catch (IOException e) {
      failure = new StorageIoException("taking back an aborted transaction", file.path(), e);
      LOG.error("{}", failure.getMessage());
    }
  }

  /** Why nothing may be appended any more; null while all is well. Any thread. */
  @Nullable StorageException failure() {
    return failure;
  }

  private Tid chooseTid(TransactionBuffer buffer) {
    Tid wanted = buffer.tid();
    if (wanted == null) {
      return Tid.of(clock.instant()).laterThan(lastTid);
    }
    if (wanted.compareTo(lastTid) <= 0) {
      throw new StorageException(
          "transaction %s is not later than the last one, %s".formatted(wanted, lastTid));
    }
    return wanted;
  }

  private List<Planned> plan(TransactionBuffer buffer, Tid tid) {
    List<Planned> plan = new ArrayList<>(buffer.recordCount());
    for (RecordOperation operation : buffer.operations()) {
      switch (operation) {
        case RecordOperation.Store store -> plan.add(planStore(store, tid));
        case RecordOperation.CheckCurrent check -> checkCurrent(check);
        case RecordOperation.Restore restore -> plan.add(planRestore(restore));
      }
    }
    for (Planned planned : plan) {
      maxOid.accumulateAndGet(
          planned.oid().value(), (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b);
    }
    return plan;
  }

  private Planned planStore(RecordOperation.Store store, Tid tid) {
    long current = currentPosition(store.oid());
    if (current != 0) {
      Tid committed = file.dataHeader(current, store.oid().value()).tid();
      if (!committed.equals(store.serial())) {
        throw new ConflictException(store.oid(), committed, store.serial(), store.data().get());
      }
    }
    return new Planned(store.oid(), tid, current, store.data(), 0);
  }

  private void checkCurrent(RecordOperation.CheckCurrent check) {
    long current = currentPosition(check.oid());
    DataHeader header = current == 0 ? null : file.dataHeader(current, check.oid().value());
    if (header == null || (header.hasBackPointer() && file.backPointer(header) == 0)) {
      throw new NoSuchObjectException(check.oid(), "no such object");
    }
    if (!header.tid().equals(check.serial())) {
      throw new ConflictException(check.oid(), header.tid(), check.serial(), null);
    }
  }

  private Planned planRestore(RecordOperation.Restore restore) {
    Oid oid = restore.oid();
    long current = currentPosition(oid);
    BufferedData data = restore.data();
    Tid dataTid = restore.dataTid();
    long back = 0;
    if (dataTid != null) {
      back = findRecord(oid, dataTid, current, data == null ? Bytes.EMPTY : data.get());
    }
    return new Planned(oid, restore.serial(), current, back == 0 ? data : null, back);
  }

  private long currentPosition(Oid oid) {
    long position = pending.position(oid.value());
    return position != 0 ? position : index.get(oid.value());
  }

  /**
   * Position of the object's record of transaction {@code tid} if it can serve as the target of a
   * back-pointer for {@code data}: it is a back-pointer itself, or has the same data.
   */
  private long findRecord(Oid oid, Tid tid, long current, byte[] data) {
    long position = current;
    DataHeader header = null;
    while (position != 0) {
      header = file.dataHeader(position, oid.value());
      if (header.tid().compareTo(tid) <= 0) {
        break;
      }
      position = file.previous(header);
    }
    if (header == null || position == 0 || !header.tid().equals(tid)) {
      // Pack clears the pointers to previous records, so the chain may end too early.
      header = new TransactionSearch(file, end).lastRecord(tid, oid);
    }
    if (header == null) {
      return 0;
    }
    if (header.hasBackPointer()) {
      return header.position();
    }
    return header.dataLength() == data.length
            && Arrays.equals(file.read(header.dataPosition(), data.length), data)
        ? header.position()
        : 0;
  }

  private AppendedTransaction layOut(TransactionBuffer buffer, Tid tid, List<Planned> plan) {
    long at = end + TransactionHeader.FIXED_LENGTH + buffer.metadata().length();
    long[] oids = new long[plan.size()];
    long[] positions = new long[plan.size()];
    for (int i = 0; i < oids.length; i++) {
      oids[i] = plan.get(i).oid().value();
      positions[i] = at;
      at += plan.get(i).length();
    }
    return new AppendedTransaction(
        tid, end, at + TransactionHeader.TRAILER_LENGTH, buffer.origin(), oids, positions);
  }

  private void write(
      TransactionMetadata metadata, char status, AppendedTransaction appended, List<Planned> plan)
      throws IOException {
    long length = appended.end() - appended.position() - TransactionHeader.TRAILER_LENGTH;
    Output output = new Output(appended.position(), length + TransactionHeader.TRAILER_LENGTH);
    output.put(TransactionHeader.format(appended.tid(), length, status, metadata));
    byte[] header = new byte[DataHeader.LENGTH];
    for (Planned planned : plan) {
      BufferedData data = planned.data();
      DataHeader.format(
          header,
          0,
          planned.oid(),
          planned.serial(),
          planned.previous(),
          appended.position(),
          data == null ? 0 : data.length());
      output.put(header);
      output.put(data == null ? Bytes.ofLong(planned.backPointer()) : data.get());
    }
    output.put(Bytes.ofLong(length));
    output.flush();
  }

  private void commitBlobs(TransactionBuffer buffer, AppendedTransaction appended)
      throws IOException {
    for (RecordOperation operation : buffer.operations()) {
      Path file = TransactionBuffer.blobOf(operation);
      if (file != null) {
        Tid serial =
            operation instanceof RecordOperation.Restore restore
                ? restore.serial()
                : appended.tid();
        blobs.orElseThrow(TransactionBuffer::noBlobs).commit(file, operation.oid(), serial);
        appended.blobs().add(new AppendedTransaction.Blob(operation.oid(), serial));
      }
    }
  }

  /** Collects small pieces into large writes. */
  private final class Output {
    private final byte[] buffer;
    private int used;
    private long position;

    Output(long position, long expected) {
      this.position = position;
      this.buffer = new byte[(int) Math.min(expected, WRITE_SIZE)];
    }

    void put(byte[] bytes) throws IOException {
      int done = 0;
      while (done < bytes.length) {
        if (used == buffer.length) {
          flush();
        }
        int count = Math.min(bytes.length - done, buffer.length - used);
        System.arraycopy(bytes, done, buffer, used, count);
        used += count;
        done += count;
      }
    }

    void flush() throws IOException {
      file.file().write(ByteBuffer.wrap(buffer, 0, used), position, "append transaction");
      position += used;
      used = 0;
    }
  }
}
