package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.pickle.RecordForm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the file has and what comes out of it, with layers in between. */
@Timeout(120)
final class LayeredStorageTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);

  @TempDir private Path directory = Path.of("unset");
  private @Nullable FileStorage file;

  @BeforeEach
  void open() {
    file =
        FileStorage.open(
            StorageOptions.of(directory.resolve("Data.fs"))
                .withBlobDirectory(directory.resolve("blobs")),
            new RealDisk(),
            InstantSource.system());
  }

  @AfterEach
  void close() {
    file().close();
  }

  private FileStorage file() {
    return Objects.requireNonNull(file);
  }

  private static byte[] record(Oid... references) {
    byte[] mapping = Pickles.mapping(0, references);
    // What comes behind the pickles is passed over by all. Zeros are worth compressing.
    return Arrays.copyOf(mapping, mapping.length + 500);
  }

  private static TransactionBuffer begin(Storage storage) {
    return storage.begin(TransactionMetadata.EMPTY, null, ' ', null);
  }

  private static Vote vote(Storage storage, TransactionBuffer buffer) {
    return storage.tryVote(buffer, storage.commitLock().claim("test"));
  }

  private static Tid finish(Storage storage, TransactionBuffer buffer) {
    VotedTransaction voted = (VotedTransaction) vote(storage, buffer);
    voted.finish();
    return voted.tid();
  }

  private static Tid commit(Storage storage, Oid oid, Tid serial, byte[] data) {
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(oid, serial, data);
      return finish(storage, buffer);
    }
  }

  private static String form(byte[] record) {
    return record[0] == '.' ? new String(record, 0, 2, StandardCharsets.ISO_8859_1) : "plain";
  }

  @ParameterizedTest
  @EnumSource(RecordLayer.class)
  void whatComesOutIsWhatWentIn(RecordLayer layer) throws IOException {
    LayeredStorage storage = new LayeredStorage(file(), layer);
    byte[] one = record();
    byte[] two = record(A);
    Tid first = commit(storage, A, Tid.NONE, one);
    Path temporary = storage.blobs().orElseThrow().createTemporary();
    Files.writeString(temporary, "content");
    Tid second;
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(A, first, two);
      buffer.storeBlob(B, Tid.NONE, Pickles.blob(), temporary);
      second = finish(storage, buffer);
    }
    Tid third = new Tid(second.value() + 1);
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, third, ' ', null)) {
      buffer.restore(A, third, one, null);
      finish(storage, buffer);
    }

    String wanted =
        switch (layer) {
          case ZLIB -> ".z";
          case ZLIB_LOADING -> "plain";
          case HEX -> ".h";
        };
    assertThat(form(file().loadSerial(A, first))).isEqualTo(wanted);
    assertThat(form(file().loadSerial(A, second))).isEqualTo(wanted);
    assertThat(form(file().loadSerial(A, third))).isEqualTo(wanted);
    assertThat(form(file().loadSerial(B, second)))
        .isEqualTo(layer == RecordLayer.HEX ? ".h" : form(RecordForm.compressed(Pickles.blob())));
    assertThat(storage.loadSerial(A, second)).isEqualTo(two);
    assertThat(storage.loadSerial(B, second)).isEqualTo(Pickles.blob());
    assertThat(Files.readString(storage.blobFile(B, second).orElseThrow())).isEqualTo("content");
    assertThat(Objects.requireNonNull(storage.loadBefore(A, second)).data()).isEqualTo(one);
    assertThat(storage.loadBefore(A, first)).isNull();
    assertThat(Objects.requireNonNull(storage.recordFrom(B)).data()).isEqualTo(Pickles.blob());
    assertThat(storage.recordFrom(new Oid(3))).isNull();
    try (Transactions transactions = storage.transactions(Tid.NONE, Tid.MAX)) {
      Objects.requireNonNull(transactions.next());
      TransactionRecord transaction = Objects.requireNonNull(transactions.next());
      try (RecordReader records = transactions.records()) {
        assertThat(Objects.requireNonNull(records.next()).data()).isEqualTo(two);
        assertThat(Objects.requireNonNull(records.next()).data()).isEqualTo(Pickles.blob());
        assertThat(records.next()).isNull();
      }
      assertThat(Objects.requireNonNull(transaction.nextRecord()).data()).isEqualTo(two);
    }
  }

  @Test
  void aFileMayHaveAllFormsAndLayersMayBeStacked() {
    byte[] data = record();
    Tid plain = commit(file(), A, Tid.NONE, data);
    Tid compressed = commit(new LayeredStorage(file(), RecordLayer.ZLIB), A, plain, data);
    LayeredStorage both =
        new LayeredStorage(new LayeredStorage(file(), RecordLayer.HEX), RecordLayer.ZLIB);
    Tid stacked = commit(both, A, compressed, data);

    assertThat(form(file().loadSerial(A, plain))).isEqualTo("plain");
    assertThat(form(file().loadSerial(A, compressed))).isEqualTo(".z");
    assertThat(file().loadSerial(A, stacked))
        .isEqualTo(RecordForm.hexed(RecordForm.compressed(data)));
    for (Tid serial : new Tid[] {plain, compressed, stacked}) {
      assertThat(both.loadSerial(A, serial)).isEqualTo(data);
    }
    try (Transactions transactions = both.transactions(stacked, stacked)) {
      TransactionRecord transaction = Objects.requireNonNull(transactions.next());
      assertThat(Objects.requireNonNull(transaction.nextRecord()).data()).isEqualTo(data);
    }
  }

  @Test
  void aConflictGoesToTheClientInItsOwnForm() {
    LayeredStorage storage = new LayeredStorage(file(), RecordLayer.ZLIB);
    Tid first = commit(storage, A, Tid.NONE, record());
    Tid second = commit(storage, A, first, record(A));
    byte[] late = record(B);
    byte[] mended = record(A, B);
    try (TransactionBuffer buffer = begin(storage)) {
      buffer.store(A, first, late);
      CommitLock.Claim claim = storage.commitLock().claim("test");
      UnresolvedConflicts found = (UnresolvedConflicts) storage.tryVote(buffer, claim);
      assertThat(found.conflicts().getFirst().data()).isEqualTo(late);
      assertThat(found.conflicts().getFirst().isReadConflict()).isFalse();
      buffer.resolve(A, second, mended);
      assertThat(buffer.byteCount()).isEqualTo(RecordForm.compressed(mended).length);
      VotedTransaction voted = (VotedTransaction) storage.tryVote(buffer, claim);
      voted.finish();
      assertThat(storage.loadSerial(A, voted.tid())).isEqualTo(mended);
      assertThat(form(file().loadSerial(A, voted.tid()))).isEqualTo(".z");
    }
  }

  @Test
  void changesOverACompressedBaseArePlain() {
    LayeredStorage base = new LayeredStorage(file(), RecordLayer.ZLIB);
    Tid first = commit(base, A, Tid.NONE, record());
    try (DemoStorage demo =
        DemoStorage.open(
            "demo",
            base,
            StorageOptions.of(directory.resolve("changes.fs")),
            true,
            new RealDisk(),
            InstantSource.system())) {
      assertThat(demo.loadSerial(A, first)).isEqualTo(record());
      Tid second = commit(demo, A, first, record(A));
      try (TransactionBuffer buffer = begin(demo)) {
        buffer.undo(second);
        assertThat(demo.loadSerial(A, finish(demo, buffer))).isEqualTo(record());
      }
      assertThatThrownBy(() -> new LayeredStorage(demo, RecordLayer.ZLIB).recordFrom(A))
          .isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void aRecordThatCanNotBeReadIsNamed() {
    LayeredStorage storage = new LayeredStorage(file(), RecordLayer.ZLIB);
    Tid tid = commit(file(), A, Tid.NONE, ".znonsense".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> storage.loadSerial(A, tid))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(file().name())
        .hasMessageContaining(A.toString())
        .hasMessageContaining(tid.toString());
  }

  @Test
  void nothingCanNotBeStored() {
    for (RecordLayer layer : RecordLayer.values()) {
      try (TransactionBuffer buffer = begin(new LayeredStorage(file(), layer))) {
        assertThatThrownBy(() -> buffer.store(A, Tid.NONE, new byte[0]))
            .isInstanceOf(StorageException.class)
            .hasMessageContaining("empty");
      }
    }
  }
}
