package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
final class FileStorageTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);

  @TempDir private Path directory = Path.of("unset");
  private Path file = Path.of("unset");

  @BeforeEach
  void nameFile() {
    file = directory.resolve("Data.fs");
  }

  private FileStorage open() {
    return open(new RealDisk());
  }

  private FileStorage open(Disk disk) {
    return FileStorage.open(StorageOptions.of(file), disk, InstantSource.system());
  }

  private static Tid commit(FileStorage storage, Oid oid, Tid serial, String data) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.store(oid, serial, Dump.ascii(data));
      VotedTransaction voted = vote(storage, buffer);
      voted.finish();
      return voted.tid();
    }
  }

  private static VotedTransaction vote(FileStorage storage, TransactionBuffer buffer) {
    return storage.vote(buffer, storage.commitLock().claim("test"));
  }

  private static String text(Revision revision) {
    return new String(revision.data(), StandardCharsets.US_ASCII);
  }

  private static Revision current(FileStorage storage, Oid oid) {
    return Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX));
  }

  @Test
  void a_revision_is_valid_from_its_serial_to_the_next() {
    try (FileStorage storage = open()) {
      Tid first = commit(storage, A, Tid.NONE, "one");
      Tid second = commit(storage, A, first, "two");
      Tid third = commit(storage, A, second, "three");
      assertThat(storage.loadBefore(A, first)).isNull();
      Revision middle = Objects.requireNonNull(storage.loadBefore(A, third));
      assertThat(middle.data()).isEqualTo(Dump.ascii("two"));
      assertThat(middle.serial()).isEqualTo(second);
      assertThat(middle.end()).isEqualTo(third);
      assertThat(current(storage, A).end()).isNull();
      assertThat(storage.loadSerial(A, first)).isEqualTo(Dump.ascii("one"));
      assertThat(storage.currentSerial(A)).isEqualTo(third);
      assertThatThrownBy(() -> storage.loadSerial(A, third.next()))
          .isInstanceOf(NoSuchObjectException.class);
      assertThatThrownBy(() -> storage.loadBefore(B, Tid.MAX))
          .isInstanceOf(NoSuchObjectException.class);
    }
  }

  @Test
  void a_voted_transaction_is_invisible_and_leaves_nothing_when_aborted() throws IOException {
    try (FileStorage storage = open()) {
      Tid first = commit(storage, A, Tid.NONE, "one");
      long size = Files.size(file);
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.store(A, first, Dump.ascii("two"));
        VotedTransaction voted = vote(storage, buffer);
        assertThat(current(storage, A).serial()).isEqualTo(first);
        assertThat(storage.lastTransaction()).isEqualTo(first);
        voted.abort();
        assertThatThrownBy(voted::finish).isInstanceOf(StorageException.class);
      }
      assertThat(Files.size(file)).isEqualTo(size);
      assertThat(storage.commitLock().holder()).isEmpty();
      commit(storage, A, first, "three");
    }
  }

  @Test
  void what_open_transactions_have_in_memory_is_bounded_for_all_together() {
    try (FileStorage storage = open();
        TransactionBuffer other = storage.begin(TransactionMetadata.EMPTY, null)) {
      other.store(B, Tid.NONE, new byte[1000]);
      assertThat(storage.bufferedBytes()).hasValue(1000);
      try (TransactionBuffer large = storage.begin(TransactionMetadata.EMPTY, null)) {
        large.store(A, Tid.NONE, new byte[TransactionBuffer.MEMORY_LIMIT + 1]);
        assertThat(storage.bufferedBytes()).hasValue(1000);
        large.store(A, Tid.NONE, new byte[10]);
        assertThat(storage.bufferedBytes()).hasValue(1010);
      }
      assertThat(storage.bufferedBytes()).hasValue(1000);
      // As if others had all that is allowed: from then on everything goes to files.
      storage.bufferedBytes().addAndGet(Long.MAX_VALUE / 2);
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.store(A, Tid.NONE, Dump.ascii("in a file"));
        assertThat(storage.bufferedBytes()).hasValue(Long.MAX_VALUE / 2 + 1000);
        vote(storage, buffer).finish();
      }
      storage.bufferedBytes().addAndGet(-Long.MAX_VALUE / 2);
      assertThat(text(current(storage, A))).isEqualTo("in a file");
    }
  }

  @Test
  void a_store_that_is_based_on_an_old_state_is_a_conflict() {
    try (FileStorage storage = open()) {
      Tid first = commit(storage, A, Tid.NONE, "one");
      Tid second = commit(storage, A, first, "two");
      assertThatThrownBy(() -> commit(storage, A, first, "other"))
          .isInstanceOfSatisfying(
              ConflictException.class,
              e -> {
                assertThat(e.oid()).isEqualTo(A);
                assertThat(e.committed()).isEqualTo(second);
                assertThat(e.read()).isEqualTo(first);
                assertThat(e.isReadConflict()).isFalse();
              });
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.store(B, Tid.NONE, Dump.ascii("b"));
        buffer.checkCurrent(A, first);
        assertThatThrownBy(() -> vote(storage, buffer))
            .isInstanceOfSatisfying(
                ConflictException.class, e -> assertThat(e.isReadConflict()).isTrue());
      }
      assertThat(storage.commitLock().holder()).isEmpty();
      assertThat(storage.lastTransaction()).isEqualTo(second);
    }
  }

  @Test
  void after_the_last_tid_of_all_there_is_no_other_one() {
    Tid last = new Tid(-1);
    try (FileStorage storage = open()) {
      Tid first = commit(storage, A, Tid.NONE, "one");
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, last, ' ', null)) {
        buffer.store(A, first, Dump.ascii("two"));
        vote(storage, buffer).finish();
      }
      assertThatThrownBy(() -> commit(storage, A, last, "three"))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("no tid after the last transaction's, ffffffffffffffff");
      assertThat(storage.commitLock().holder()).isEmpty();
      assertThat(storage.lastTransaction()).isEqualTo(last);
    }
  }

  @Test
  void many_committers_lose_nothing_and_followers_see_each_transaction_once_in_order()
      throws Exception {
    int committers = 8;
    int rounds = 60;
    AtomicInteger conflicts = new AtomicInteger();
    List<Tid> told = new ArrayList<>();
    ConcurrentLinkedQueue<Tid> acknowledged = new ConcurrentLinkedQueue<>();
    try (FileStorage storage = open()) {
      commit(storage, A, Tid.NONE, "0");
      storage
          .feed()
          .follow(
              commit -> {
                assertThat(storage.lastTransaction()).isEqualTo(commit.tid());
                told.add(commit.tid());
              });
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < committers; i++) {
        threads.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      int done = 0;
                      while (done < rounds) {
                        Revision seen = current(storage, A);
                        int value = Integer.parseInt(text(seen));
                        try {
                          acknowledged.add(
                              commit(storage, A, seen.serial(), String.valueOf(value + 1)));
                          done++;
                        } catch (ConflictException e) {
                          assertThat(storage.lastTransaction())
                              .isGreaterThanOrEqualTo(e.committed());
                          conflicts.incrementAndGet();
                        }
                      }
                    }));
      }
      for (Thread thread : threads) {
        assertThat(thread.join(Duration.ofSeconds(90))).isTrue();
      }
      assertThat(text(current(storage, A))).isEqualTo(String.valueOf(committers * rounds));
    }
    assertThat(told).isSorted().hasSize(committers * rounds).containsAll(acknowledged);
    assertThat(conflicts.get()).isPositive();
    try (FileStorage storage = open()) {
      assertThat(storage.lastTransaction()).isEqualTo(told.getLast());
    }
  }

  @Test
  void a_torn_tail_is_cut_wherever_it_is_torn() throws IOException {
    Tid first;
    Tid second;
    long end;
    try (FileStorage storage = open()) {
      first = commit(storage, A, Tid.NONE, "one");
      end = storage.size();
      second = commit(storage, B, Tid.NONE, "two");
    }
    byte[] whole = Files.readAllBytes(file);
    for (boolean withIndex : new boolean[] {false, true}) {
      for (int length = (int) end + 1; length < whole.length; length++) {
        assertLast(Arrays.copyOf(whole, length), first, end, withIndex);
      }
      byte[] voted = whole.clone();
      voted[(int) end + TransactionHeader.STATUS_OFFSET] = 'c';
      assertLast(voted, first, end, withIndex);
      assertLast(whole, second, whole.length, withIndex);
    }
  }

  private void assertLast(byte[] content, Tid last, long end, boolean withIndex)
      throws IOException {
    Path torn = Files.createTempDirectory(directory, "torn").resolve("Data.fs");
    Files.write(torn, content);
    if (withIndex) {
      Files.copy(file.resolveSibling("Data.fs.index"), torn.resolveSibling("Data.fs.index"));
    }
    try (FileStorage storage =
        FileStorage.open(
            StorageOptions.of(torn).withReadOnly(true), new RealDisk(), InstantSource.system())) {
      assertThat(storage.lastTransaction()).isEqualTo(last);
    }
    assertThat(Files.size(torn)).isEqualTo(content.length);
    try (FileStorage storage =
        FileStorage.open(StorageOptions.of(torn), new RealDisk(), InstantSource.system())) {
      assertThat(storage.lastTransaction()).isEqualTo(last);
      assertThat(storage.size()).isEqualTo(end);
    }
    Path tail = torn.resolveSibling("Data.fs.tr0");
    assertThat(Files.exists(tail)).isEqualTo(content.length > end);
    if (Files.exists(tail)) {
      assertThat(Files.size(tail)).isEqualTo(content.length - end);
    }
  }

  @Test
  void a_torn_looking_header_before_whole_transactions_is_damage_and_nothing_is_cut()
      throws IOException {
    long second;
    try (FileStorage storage = open()) {
      commit(storage, A, Tid.NONE, "one");
      second = storage.size();
      Tid tid = commit(storage, B, Tid.NONE, "two");
      commit(storage, B, tid, "three");
    }
    Files.delete(file.resolveSibling("Data.fs.index"));
    byte[] good = Files.readAllBytes(file);
    for (int damaged : new int[] {16, 8}) {
      byte[] bad = good.clone();
      bad[(int) second + damaged] = 'c';
      Files.write(file, bad);
      assertThatThrownBy(this::open)
          .isInstanceOf(CorruptDataException.class)
          .hasMessageContaining("position " + second)
          .hasMessageContaining("nothing was cut");
      assertThat(Files.readAllBytes(file)).isEqualTo(bad);
    }
  }

  @Test
  void a_batch_that_was_not_finished_is_cut_as_a_whole() throws IOException {
    Tid first;
    long end;
    try (FileStorage storage = open()) {
      first = commit(storage, A, Tid.NONE, "one");
      end = storage.size();
      List<TransactionBuffer> batch = new ArrayList<>();
      Tid tid = first;
      for (int i = 0; i < 3; i++) {
        tid = tid.next();
        TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, tid, ' ', null);
        buffer.restore(new Oid(10 + i), tid, Dump.ascii("data"), null);
        batch.add(buffer);
      }
      storage.restoreAll(batch);
      assertThat(storage.lastTransaction()).isEqualTo(tid);
      assertThat(storage.objectCount()).isEqualTo(4);
    }
    Files.delete(file.resolveSibling("Data.fs.index"));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {'c'}), end + TransactionHeader.STATUS_OFFSET);
    }
    assertThatThrownBy(this::open).isInstanceOf(CorruptDataException.class);
    new CatchUpMarker(new RealDisk(), file).write(end);
    try (FileStorage storage = open()) {
      assertThat(storage.lastTransaction()).isEqualTo(first);
      assertThat(storage.size()).isEqualTo(end);
    }
    assertThat(Files.exists(file.resolveSibling("Data.fs.catchup"))).isFalse();
  }

  @Test
  void a_batch_with_a_wrong_transaction_leaves_nothing() throws IOException {
    try (FileStorage storage = open()) {
      Tid first = commit(storage, A, Tid.NONE, "one");
      long size = Files.size(file);
      List<TransactionBuffer> batch = new ArrayList<>();
      for (Tid tid : List.of(first.next(), first.next())) {
        TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, tid, ' ', null);
        buffer.restore(A, tid, Dump.ascii("two"), null);
        batch.add(buffer);
      }
      assertThatThrownBy(() -> storage.restoreAll(batch)).hasMessageContaining("not later");
      assertThat(Files.size(file)).isEqualTo(size);
      assertThat(storage.lastTransaction()).isEqualTo(first);
      commit(storage, A, first, "three");
    }
  }

  @Test
  void a_file_between_the_renames_of_a_pack_is_not_replaced_by_an_empty_one() throws IOException {
    Files.write(directory.resolve("Data.fs.old"), new byte[] {1});
    assertThatThrownBy(this::open)
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("Data.fs.old")
        .hasMessageContaining("interrupted");
    assertThat(Files.exists(file)).isFalse();
  }

  @Test
  void a_large_transaction_is_kept_on_disk_until_its_vote() {
    byte[] large = new byte[3 << 20];
    try (FileStorage storage = open();
        TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      for (int i = 0; i < 10; i++) {
        byte[] data = large.clone();
        data[0] = (byte) (i + 1);
        buffer.store(new Oid(i), Tid.NONE, data);
      }
      vote(storage, buffer).finish();
      for (int i = 0; i < 10; i++) {
        assertThat(current(storage, new Oid(i)).data()).startsWith(i + 1).hasSize(3 << 20);
      }
    }
  }

  @Test
  void blobs_come_with_their_transaction_and_go_with_an_abort() throws IOException {
    Path blobDirectory = directory.resolve("blobs");
    StorageOptions options = StorageOptions.of(file).withBlobDirectory(blobDirectory);
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), InstantSource.system())) {
      BlobDirectory blobs = storage.blobs().orElseThrow();
      Path temporary = blobs.createTemporary();
      Files.writeString(temporary, "content");
      Tid tid;
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.storeBlob(A, Tid.NONE, Dump.ascii("blob"), temporary);
        VotedTransaction voted = vote(storage, buffer);
        tid = voted.tid();
        voted.finish();
      }
      assertThat(blobs.file(A, tid)).hasContent("content");
      assertThat(blobs.file(A, tid).toString())
          .isEqualTo(
              blobDirectory
                  + "/0x00/0x00/0x00/0x00/0x00/0x00/0x00/0x01/0x0"
                  + strip(tid)
                  + ".blob");
      assertThat(Files.isWritable(blobs.file(A, tid)) && !isRoot()).isFalse();
      Path second = blobs.createTemporary();
      Files.writeString(second, "other");
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.storeBlob(A, tid, Dump.ascii("blob"), second);
        VotedTransaction voted = vote(storage, buffer);
        voted.abort();
        assertThat(blobs.exists(A, voted.tid())).isFalse();
      }
      Path third = blobs.createTemporary();
      Files.writeString(third, "unused");
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.storeBlob(A, Tid.NONE, Dump.ascii("blob"), third);
        assertThatThrownBy(() -> vote(storage, buffer)).isInstanceOf(ConflictException.class);
      }
      assertThat(Files.exists(third)).isFalse();
    }
    assertThat(blobDirectory.resolve(".layout")).hasContent("bushy");
  }

  @Test
  void a_crash_after_the_vote_leaves_no_blob_in_its_place() throws IOException {
    StorageOptions options = StorageOptions.of(file).withBlobDirectory(directory.resolve("blobs"));
    Tid lost;
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), InstantSource.system())) {
      commit(storage, B, Tid.NONE, "b");
      Path temporary = storage.blobs().orElseThrow().createTemporary();
      Files.writeString(temporary, "content");
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.storeBlob(A, Tid.NONE, Dump.ascii("blob"), temporary);
        VotedTransaction voted = vote(storage, buffer);
        lost = voted.tid();
        voted.finish();
      }
    }
    Files.delete(file.resolveSibling("Data.fs.index"));
    long at;
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), InstantSource.system())) {
      try (TransactionReader reader = storage.transactions(lost, lost)) {
        at = Objects.requireNonNull(reader.next()).position();
      }
    }
    Files.delete(file.resolveSibling("Data.fs.index"));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {'c'}), at + TransactionHeader.STATUS_OFFSET);
    }
    try (FileStorage storage = FileStorage.open(options, new RealDisk(), InstantSource.system())) {
      assertThat(storage.lastTransaction()).isLessThan(lost);
      assertThat(storage.blobs().orElseThrow().exists(A, lost)).isFalse();
    }
    assertThat(directory.resolve("blobs/tmp/uncommitted-" + A + "-" + lost + ".blob"))
        .hasContent("content");
  }

  private static String strip(Tid tid) {
    return tid.toString().replaceFirst("^0+", "");
  }

  private static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  @Test
  void when_a_sync_fails_the_storage_stops_writing_and_goes_on_reading() {
    FaultyDisk disk = new FaultyDisk(new RealDisk());
    try (FileStorage storage = open(disk)) {
      Tid first = commit(storage, A, Tid.NONE, "one");
      disk.failNext("sync data file");
      assertThatThrownBy(() -> commit(storage, A, first, "two"))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("sync");
      assertThat(current(storage, A).serial()).isEqualTo(first);
      assertThatThrownBy(() -> commit(storage, B, Tid.NONE, "b"))
          .hasMessageContaining("stopped writing");
      assertThat(storage.failure()).isPresent();
    }
    try (FileStorage storage = open()) {
      assertThat(text(current(storage, A))).isEqualTo("one");
    }
  }

  @Test
  void when_an_aborted_transaction_can_not_be_taken_back_the_storage_stops_writing() {
    FaultyDisk disk = new FaultyDisk(new RealDisk());
    Tid first;
    try (FileStorage storage = open(disk)) {
      first = commit(storage, A, Tid.NONE, "one");
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.store(A, first, Dump.ascii("a long second state, of which much would be left"));
        VotedTransaction voted = vote(storage, buffer);
        disk.failNext("truncate aborted transaction");
        voted.abort();
      }
      assertThatThrownBy(() -> commit(storage, A, first, "2"))
          .hasMessageContaining("stopped writing")
          .hasMessageContaining("taking back");
      assertThat(text(current(storage, A))).isEqualTo("one");
    }
    try (FileStorage storage = open()) {
      assertThat(storage.lastTransaction()).isEqualTo(first);
      commit(storage, A, first, "2");
    }
  }

  @Test
  void after_the_last_oid_no_new_one_is_the_root_object() {
    try (FileStorage storage = open()) {
      commit(storage, new Oid(-2), Tid.NONE, "last but one");
      assertThat(storage.newOid()).isEqualTo(new Oid(-1));
      assertThatThrownBy(storage::newOid).hasMessageContaining("no more oids");
    }
  }

  @Test
  void whichever_operation_fails_what_was_acknowledged_is_there() throws IOException {
    FaultyDisk counting = new FaultyDisk(new RealDisk());
    run(counting);
    int operations = counting.operations();
    assertThat(operations).isGreaterThan(20);
    for (int i = 1; i <= operations; i++) {
      directory =
          Files.createTempDirectory(
              directory.getRoot().resolve(System.getProperty("java.io.tmpdir")), "fault");
      nameFile();
      FaultyDisk disk = new FaultyDisk(new RealDisk());
      disk.failAt(i);
      Outcome outcome = run(disk);
      try (FileStorage storage = open()) {
        if (outcome.acknowledged() != null) {
          assertThat(current(storage, A).serial())
              .as("operation %d: %s", i, disk.failed())
              .isGreaterThanOrEqualTo(outcome.acknowledged());
        }
        commit(storage, new Oid(99), Tid.NONE, "after");
      }
    }
  }

  private record Outcome(@Nullable Tid acknowledged) {}

  private Outcome run(Disk disk) {
    Tid last = null;
    try (FileStorage storage = open(disk)) {
      Tid serial = Tid.NONE;
      for (int i = 0; i < 5; i++) {
        try {
          serial = commit(storage, A, serial, "value " + i);
          last = serial;
        } catch (StorageException e) {
          assertThat(e.getMessage()).isNotBlank();
        }
      }
    } catch (StorageException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
    return new Outcome(last);
  }
}
