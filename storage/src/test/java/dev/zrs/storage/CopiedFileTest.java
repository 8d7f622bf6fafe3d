package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The copy of a file that was in use: a transaction was being voted when its header was read, and
 * stands, with status {@code c}, before others that were read later.
 */
@Timeout(120)
final class CopiedFileTest {
  private static final Oid A = new Oid(1);
  private static final Oid BLOB = new Oid(2);

  @TempDir private Path directory = Path.of("unset");
  private Path file = Path.of("unset");
  private StorageOptions follower = StorageOptions.of(file);
  private final List<Tid> tids = new ArrayList<>();
  private final List<Long> positions = new ArrayList<>();
  private byte[] whole = {};

  /** Ten transactions, the sixth with a blob. */
  @BeforeEach
  void makeFile() throws IOException {
    file = directory.resolve("Data.fs");
    follower =
        StorageOptions.of(file).withBlobDirectory(directory.resolve("blobs")).withFollower(true);
    try (FileStorage storage = open(follower.withFollower(false))) {
      Tid last = Tid.NONE;
      for (int i = 0; i < 10; i++) {
        try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
          buffer.store(A, last, Pickles.mapping(100 + i));
          if (i == 5) {
            Path content = storage.blobs().orElseThrow().createTemporary();
            Files.writeString(content, "content");
            buffer.storeBlob(BLOB, Tid.NONE, Pickles.blob(), content);
          }
          VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
          voted.finish();
          last = voted.tid();
          tids.add(last);
        }
      }
      for (Tid tid : tids) {
        try (TransactionReader reader = storage.transactions(tid, tid)) {
          positions.add(Objects.requireNonNull(reader.next()).position());
        }
      }
    }
    whole = Files.readAllBytes(file);
  }

  private static FileStorage open(StorageOptions options) {
    return FileStorage.open(options, new RealDisk(), InstantSource.system());
  }

  private Path beside(String suffix) {
    return file.resolveSibling("Data.fs" + suffix);
  }

  private void mark(int transaction) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(
          ByteBuffer.wrap(new byte[] {'c'}),
          positions.get(transaction) + TransactionHeader.STATUS_OFFSET);
    }
  }

  private byte[] marked(int transaction) throws IOException {
    mark(transaction);
    return Files.readAllBytes(file);
  }

  private void assertCutAt(int transaction, byte[] before, String tail) throws IOException {
    try (FileStorage storage = open(follower)) {
      assertThat(storage.lastTransaction()).isEqualTo(tids.get(transaction - 1));
      assertThat(storage.currentSerial(A)).isEqualTo(tids.get(transaction - 1));
      assertThat(storage.size()).isEqualTo(positions.get(transaction));
      assertThat(storage.lastCut()).isEqualTo(tids.getLast());
    }
    int at = Math.toIntExact(positions.get(transaction));
    assertThat(Files.readAllBytes(file)).isEqualTo(Arrays.copyOf(whole, at));
    assertThat(Files.readAllBytes(beside(tail)))
        .isEqualTo(Arrays.copyOfRange(before, at, before.length));
  }

  @Test
  void a_follower_cuts_at_the_mark_and_keeps_what_it_cuts() throws IOException {
    Files.delete(beside(".index"));
    assertCutAt(4, marked(4), ".tr0");
    // What the upstream sends again finds its blobs in their places.
    assertThat(blob(tids.get(5))).hasContent("content");
    try (FileStorage storage = open(follower)) {
      assertThat(storage.lastTransaction()).isEqualTo(tids.get(3));
    }
    // Until they have come again, they are known to be missing.
    try (FileStorage storage = open(follower)) {
      assertThat(storage.lastCut()).isEqualTo(tids.getLast());
    }
    assertThat(beside(".tr1")).doesNotExist();
  }

  private Path blob(Tid tid) {
    return BlobDirectory.open(new RealDisk(), directory.resolve("blobs"), BlobAccess.READ_ONLY)
        .file(BLOB, tid);
  }

  @Test
  void a_blob_of_the_mark_itself_may_never_come_and_is_set_aside() throws IOException {
    Files.delete(beside(".index"));
    assertCutAt(5, marked(5), ".tr0");
    assertThat(blob(tids.get(5))).doesNotExist();
    assertThat(directory.resolve("blobs/tmp/uncommitted-" + BLOB + "-" + tids.get(5) + ".blob"))
        .hasContent("content");
  }

  @Test
  void an_index_that_was_copied_too_is_not_used_behind_a_mark() throws IOException {
    // It is of the whole file, and fits its last records.
    assertThat(beside(".index")).exists();
    assertCutAt(2, marked(2), ".tr0");
    try (FileStorage storage = open(follower)) {
      assertThat(storage.currentSerial(A)).isEqualTo(tids.get(1));
    }
  }

  @Test
  void an_index_is_believed_again_once_the_file_was_looked_at() throws IOException {
    open(follower).close();
    String checked = Files.readString(beside(".checked"));
    assertThat(checked).isEqualTo("%016x %s\n".formatted(whole.length, tids.getLast()));
    // A mark in the part that was looked at can't come from copying; the index is used.
    mark(2);
    try (FileStorage storage = open(follower)) {
      assertThat(storage.lastTransaction()).isEqualTo(tids.getLast());
    }
    // Of another file it says nothing.
    Files.writeString(
        beside(".checked"), "%016x %s\n".formatted(whole.length, tids.getLast().previous()));
    assertCutAt(2, Files.readAllBytes(file), ".tr0");
    // Nor if it is damaged.
    Files.write(file, whole);
    open(follower.withFollower(false)).close();
    Files.writeString(beside(".checked"), "zz");
    assertCutAt(3, marked(3), ".tr1");
  }

  @Test
  void a_pack_of_a_follower_makes_it_look_at_nothing_again() throws IOException {
    try (FileStorage storage = open(follower)) {
      assertThat(
              storage
                  .pack(new PackOptions(tids.getLast(), false, false, false), PackProgress.NONE)
                  .packed())
          .isTrue();
    }
    assertThat(Files.readString(beside(".checked")))
        .isEqualTo("%016x %s\n".formatted(Files.size(file), tids.getLast()));
  }

  @Test
  void the_rest_of_an_aborted_transaction_may_stand_before_the_next_one() throws IOException {
    // The head of one that was taken back, then the end of the one that took its place.
    Files.delete(beside(".index"));
    int at = Math.toIntExact(positions.get(6));
    byte[] mixed = whole.clone();
    byte[] head =
        TransactionHeader.format(
            tids.get(6).previous(),
            5_000,
            TransactionHeader.STATUS_VOTED,
            TransactionMetadata.EMPTY);
    System.arraycopy(head, 0, mixed, at, head.length);
    Files.write(file, mixed);
    try (FileStorage storage = open(follower)) {
      assertThat(storage.lastTransaction()).isEqualTo(tids.get(5));
    }
    assertThat(Files.readAllBytes(beside(".tr0")))
        .isEqualTo(Arrays.copyOfRange(mixed, at, mixed.length));
  }

  @Test
  void a_marker_of_a_batch_that_was_copied_too_changes_nothing() throws IOException {
    Files.delete(beside(".index"));
    CatchUpMarker marker = new CatchUpMarker(new RealDisk(), file);
    // The copied file goes on long after that batch, which is complete in it.
    marker.write(positions.get(7));
    try (FileStorage storage = open(follower)) {
      assertThat(storage.lastTransaction()).isEqualTo(tids.getLast());
    }
    assertThat(beside(".catchup")).doesNotExist();
    Files.delete(beside(".index"));
    // Another mark stands before it, or behind it.
    marker.write(positions.get(7));
    assertCutAt(4, marked(4), ".tr0");
    assertThat(beside(".catchup")).doesNotExist();
  }

  @Test
  void who_follows_nobody_refuses_and_says_what_helps() throws IOException {
    Files.delete(beside(".index"));
    byte[] before = marked(4);
    assertThatThrownBy(() -> open(follower.withFollower(false)))
        .isInstanceOf(CorruptDataException.class)
        .hasMessageContaining("position " + positions.get(4))
        .hasMessageContaining("stands before 5 complete transactions")
        .hasMessageContaining("start a secondary of that server on it (replicate-from)");
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    assertThat(beside(".tr0")).doesNotExist();
  }

  @Test
  void damage_that_no_copying_makes_is_refused_by_a_follower_too() throws IOException {
    Files.delete(beside(".index"));
    byte[] bad = whole.clone();
    bad[Math.toIntExact(positions.get(4)) + TransactionHeader.LENGTH_OFFSET] = 'c';
    Files.write(file, bad);
    assertThatThrownBy(() -> open(follower)).isInstanceOf(CorruptDataException.class);
    assertThat(Files.readAllBytes(file)).isEqualTo(bad);
  }
}
