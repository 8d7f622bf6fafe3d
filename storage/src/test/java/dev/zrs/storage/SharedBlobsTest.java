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
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A storage whose blob directory another one keeps: nothing below it is ever changed. */
@Timeout(120)
final class SharedBlobsTest {
  private static final Oid A = new Oid(1);
  private static final Oid BLOB = new Oid(2);
  private static final Oid GARBAGE = new Oid(3);
  private static final Oid[] KEPT = {A, BLOB};

  @TempDir private Path directory = Path.of("unset");
  private Path blobs = Path.of("unset");
  private StorageOptions keeper = StorageOptions.of(blobs);
  private StorageOptions sharer = keeper;
  private final GuardedDisk disk = new GuardedDisk(new RealDisk());

  @BeforeEach
  void nameFiles() throws IOException {
    blobs = directory.resolve("blobs");
    Files.createDirectory(directory.resolve("one"));
    Files.createDirectory(directory.resolve("two"));
    keeper = StorageOptions.of(directory.resolve("one/Data.fs")).withBlobDirectory(blobs);
    sharer =
        StorageOptions.of(directory.resolve("two/Data.fs"))
            .withBlobDirectory(blobs)
            .withBlobAccess(BlobAccess.READ_ONLY)
            .withFollower(true);
  }

  private static FileStorage open(StorageOptions options, Disk disk) {
    return FileStorage.open(options, disk, InstantSource.system());
  }

  private FileStorage openSharer() {
    disk.guard(blobs, directory.resolve("blobs.old"));
    return open(sharer, disk);
  }

  private static Tid finish(FileStorage storage, TransactionBuffer buffer) {
    VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
    voted.finish();
    return voted.tid();
  }

  private static Tid serial(FileStorage storage, Oid oid) {
    try {
      return storage.currentSerial(oid);
    } catch (NoSuchObjectException e) {
      return Tid.NONE;
    }
  }

  private static Tid commitBlob(FileStorage storage, Oid oid, String content) throws IOException {
    Path temporary = storage.blobs().orElseThrow().createTemporary();
    Files.writeString(temporary, content);
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.storeBlob(oid, serial(storage, oid), Pickles.blob(), temporary);
      return finish(storage, buffer);
    }
  }

  private static Tid commit(FileStorage storage, Oid oid, byte[] data) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.store(oid, serial(storage, oid), data);
      return finish(storage, buffer);
    }
  }

  private static Tid undo(FileStorage storage, Tid tid) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.undo(tid);
      return finish(storage, buffer);
    }
  }

  /** What a secondary does with what it has received: records only. */
  private static void replicate(FileStorage from, FileStorage to) {
    List<TransactionBuffer> batch = new ArrayList<>();
    try (TransactionReader reader = from.transactionsAfter(to.lastTransaction())) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        TransactionBuffer buffer =
            to.begin(transaction.metadata(), transaction.tid(), transaction.status(), null);
        batch.add(buffer);
        DataRecord record = transaction.nextRecord();
        while (record != null) {
          buffer.restore(record.oid(), record.tid(), record.data(), record.dataTid());
          record = transaction.nextRecord();
        }
        transaction = reader.next();
      }
      to.restoreAll(batch);
    } finally {
      batch.forEach(TransactionBuffer::close);
    }
  }

  /** Names, kinds, times and numbers of all that is there. */
  private String listing() throws IOException {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.walk(blobs)) {
      for (Path path : files.sorted().toList()) {
        text.append(path)
            .append(Files.readAttributes(path, "unix:ino,ctime,lastModifiedTime,size,nlink"))
            .append('\n');
      }
    }
    return text.toString();
  }

  private Tid fill(FileStorage storage) throws IOException {
    commit(storage, Oid.ROOT, Pickles.mapping(10, KEPT));
    commit(storage, A, Pickles.mapping(20));
    commitBlob(storage, BLOB, "first");
    commitBlob(storage, GARBAGE, "garbage");
    Tid changed = commitBlob(storage, BLOB, "second");
    undo(storage, changed);
    return commitBlob(storage, BLOB, "third");
  }

  private String content(FileStorage storage) throws IOException {
    return Files.readString(storage.blobs().orElseThrow().file(BLOB, storage.currentSerial(BLOB)));
  }

  @Test
  void opening_restoring_packing_and_closing_leave_the_directory_alone() throws IOException {
    try (FileStorage one = open(keeper, new RealDisk())) {
      fill(one);
      // What a process that died would leave, and what is not for the sharer to clean up.
      Files.writeString(blobs.resolve("tmp/zrs-left.tmp"), "left");
      Files.writeString(blobs.resolve(".removed-by-zrs-pack"), "no list");
      String before = listing();
      try (FileStorage two = openSharer()) {
        replicate(one, two);
        assertThat(content(two)).isEqualTo("third");
        PackReport report = two.pack(two.lastTransaction());
        assertThat(report.packed()).isTrue();
        assertThat(report.garbage()).isEqualTo(1);
      }
      assertThat(sharer.file().resolveSibling("Data.fs.old")).exists();
      try (FileStorage two = openSharer()) {
        assertThat(content(two)).isEqualTo("third");
        two.pack(two.lastTransaction());
      }
      assertThat(listing()).isEqualTo(before);
    }
    assertThat(disk.violations()).isEmpty();
    assertThat(directory.resolve("blobs.old")).doesNotExist();
  }

  @Test
  void a_torn_tail_and_a_pack_that_was_interrupted_leave_the_directory_alone() throws IOException {
    try (FileStorage one = open(keeper, new RealDisk())) {
      Tid last = fill(one);
      long at;
      try (FileStorage two = openSharer()) {
        replicate(one, two);
        try (TransactionReader reader = two.transactions(last, last)) {
          at = Objects.requireNonNull(reader.next()).position();
        }
      }
      Files.delete(sharer.file().resolveSibling("Data.fs.index"));
      try (FileChannel channel = FileChannel.open(sharer.file(), StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(new byte[] {'c'}), at + TransactionHeader.STATUS_OFFSET);
      }
      Files.writeString(sharer.file().resolveSibling("Data.fs.pack"), "half");
      Files.writeString(blobs.resolve(".removed-by-zrs-pack"), BLOB + "" + last + "\n");
      String before = listing();
      try (FileStorage two = openSharer()) {
        assertThat(two.lastTransaction()).isLessThan(last);
        replicate(one, two);
        assertThat(two.lastTransaction()).isEqualTo(last);
        assertThat(content(two)).isEqualTo("third");
      }
      assertThat(listing()).isEqualTo(before);
    }
    assertThat(sharer.file().resolveSibling("Data.fs.pack")).doesNotExist();
    assertThat(disk.violations()).isEmpty();
  }

  @Test
  void failures_of_its_own_disk_leave_the_directory_alone() throws IOException {
    try (FileStorage one = open(keeper, new RealDisk())) {
      fill(one);
      String before = listing();
      int point = 1;
      boolean failed = true;
      while (failed) {
        Path folder = Files.createDirectory(directory.resolve("at" + point));
        StorageOptions options =
            StorageOptions.of(folder.resolve("Data.fs"))
                .withBlobDirectory(blobs)
                .withBlobAccess(BlobAccess.READ_ONLY)
                .withFollower(true);
        disk.guard(blobs, directory.resolve("blobs.old"));
        FaultyDisk faulty = new FaultyDisk(disk);
        faulty.failAt(point);
        try (FileStorage two = open(options, faulty)) {
          replicate(one, two);
          two.pack(two.lastTransaction());
        } catch (StorageException e) {
          assertThat(faulty.failed()).isNotNull();
        }
        failed = faulty.failed() != null;
        point++;
      }
      assertThat(point).isGreaterThan(30);
      assertThat(listing()).isEqualTo(before);
    }
    assertThat(disk.violations()).isEmpty();
  }

  @Test
  void it_takes_the_directory_over_and_leaves_it_again() throws IOException {
    try (FileStorage one = open(keeper, new RealDisk())) {
      fill(one);
      try (FileStorage two = openSharer()) {
        replicate(one, two);
        // A volume that can't be written is found out before anything has changed.
        assertThatThrownBy(two::takeOverBlobs)
            .isInstanceOf(StorageException.class)
            .hasMessageContaining(blobs.toString());
        assertThat(two.blobs().orElseThrow().isWritable()).isFalse();
        disk.guard();
        two.takeOverBlobs();
        Tid changed = commitBlob(two, BLOB, "fourth");
        undo(two, changed);
        assertThat(content(two)).isEqualTo("third");
        two.pack(two.lastTransaction());
        assertThat(two.blobs().orElseThrow().exists(BLOB, changed)).isFalse();
        assertThat(directory.resolve("blobs.old")).exists();

        AtomicBoolean called = new AtomicBoolean();
        two.leaveBlobs(() -> called.set(true));
        assertThat(called).isTrue();
        disk.guard(blobs, directory.resolve("blobs.old"));
        int tried = disk.violations().size();
        String before = listing();
        commit(two, A, Pickles.mapping(30));
        two.pack(two.lastTransaction());
        Path temporary = directory.resolve("upload");
        Files.writeString(temporary, "late");
        try (TransactionBuffer buffer = two.begin(TransactionMetadata.EMPTY, null)) {
          buffer.storeBlob(BLOB, serial(two, BLOB), Pickles.blob(), temporary);
          assertThatThrownBy(() -> finish(two, buffer))
              .isInstanceOf(StorageException.class)
              .hasMessage(blobs + " is kept by another server, and only read here");
        }
        assertThat(two.commitLock().holder()).isEmpty();
        commit(two, A, Pickles.mapping(31));
        assertThat(listing()).isEqualTo(before);
        assertThat(disk.violations()).hasSize(tried);
      }
    }
  }

  @Test
  void it_is_not_left_while_a_pack_may_remove_blobs() throws IOException {
    try (FileStorage one = open(keeper, new RealDisk())) {
      fill(one);
      List<String> refusals = new ArrayList<>();
      one.pack(
          PackOptions.of(keeper, one.lastTransaction()),
          (phase, done, total) -> {
            if (refusals.isEmpty()) {
              refusals.add(refusalToLeave(one));
            }
          });
      assertThat(refusals)
          .singleElement()
          .asString()
          .contains("is being packed, and blobs may yet be removed");
      one.leaveBlobs(() -> {});
      assertThat(one.blobs().orElseThrow().isWritable()).isFalse();
    }
  }

  /** On another thread, as a pack may well be left by the one that runs it. */
  private static String refusalToLeave(FileStorage storage) {
    List<String> refusals = new ArrayList<>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    storage.leaveBlobs(() -> refusals.add("not refused"));
                  } catch (StorageException e) {
                    refusals.add(String.valueOf(e.getMessage()));
                  }
                });
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return String.join(", ", refusals);
  }

  @Test
  void a_directory_that_is_not_there_is_not_made() {
    assertThatThrownBy(this::openSharer)
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("is the volume mounted?");
    assertThat(blobs).doesNotExist();
    assertThat(disk.violations()).isEmpty();
  }

  @Test
  void create_does_not_remove_the_blobs() throws IOException {
    try (FileStorage one = open(keeper, new RealDisk())) {
      fill(one);
      String before = listing();
      try (FileStorage two = openSharer()) {
        replicate(one, two);
      }
      try (FileStorage two = open(sharer.withCreate(true), disk)) {
        assertThat(two.lastTransaction()).isEqualTo(Tid.NONE);
      }
      assertThat(listing()).isEqualTo(before);
    }
    assertThat(disk.violations()).isEmpty();
  }

  /** The keeper died in a pack, and another server, which was not packed, takes the directory. */
  @Test
  void blobs_that_a_pack_of_another_file_was_to_remove_stay() throws IOException {
    Path list = blobs.resolve(".removed-by-zrs-pack");
    FaultyDisk faulty = new FaultyDisk(new RealDisk());
    Tid first;
    try (FileStorage one = open(keeper, faulty)) {
      fill(one);
      first = one.history(BLOB, 10).getLast().tid();
      try (FileStorage two = openSharer()) {
        replicate(one, two);
      }
      faulty.failNext("move packed blob");
      assertThatThrownBy(() -> one.pack(one.lastTransaction()))
          .isInstanceOf(StorageException.class);
      assertThat(list).exists();
    }
    byte[] listed = Files.readAllBytes(list);
    StorageOptions promoted = sharer.withBlobAccess(BlobAccess.READ_WRITE);
    try (FileStorage two = open(promoted, new RealDisk())) {
      assertThat(two.blobs().orElseThrow().exists(BLOB, first)).isTrue();
      assertThat(list).doesNotExist();
    }
    // The one that the list is for believes it.
    Files.write(list, listed);
    try (FileStorage one = open(keeper, new RealDisk())) {
      assertThat(one.blobs().orElseThrow().exists(BLOB, first)).isFalse();
      assertThat(content(one)).isEqualTo("third");
    }
  }
}
