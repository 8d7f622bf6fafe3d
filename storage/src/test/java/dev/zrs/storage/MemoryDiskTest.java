package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class MemoryDiskTest {
  private static final Path FOLDER = Path.of("/folder");
  private static final Path FILE = FOLDER.resolve("file");
  private static final Path OTHER = FOLDER.resolve("other");

  private final MemoryDisk disk = new MemoryDisk(8 << 20);

  private DiskFile open(Path file, Disk.Mode mode) throws IOException {
    return disk.open(file, mode, "open");
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(Dump.ascii(text));
  }

  private void write(Path file, String text) throws IOException {
    try (DiskFile open = open(file, Disk.Mode.REPLACE)) {
      open.write(bytes(text), 0, "write");
    }
  }

  private static byte[] read(DiskFile file) throws IOException {
    ByteBuffer target = ByteBuffer.allocate((int) file.size() + 1);
    assertThat(file.read(target, 0)).isEqualTo((int) file.size());
    return Arrays.copyOf(target.array(), target.position());
  }

  private byte[] read(Path file) throws IOException {
    try (DiskFile open = open(file, Disk.Mode.READ)) {
      return read(open);
    }
  }

  /** The same random reads, writes and truncations, on a real file too. */
  @Test
  void a_file_has_the_content_that_a_real_one_has(@TempDir Path real) throws IOException {
    Random random = new Random(4);
    try (DiskFile ours = open(FILE, Disk.Mode.CREATE);
        DiskFile theirs = new RealDisk().open(real.resolve("file"), Disk.Mode.CREATE, "open")) {
      for (int i = 0; i < 500; i++) {
        long position = random.nextLong(400_000);
        if (random.nextInt(10) == 0) {
          ours.truncate(position, "truncate");
          theirs.truncate(position, "truncate");
        } else if (random.nextBoolean()) {
          byte[] data = new byte[random.nextInt(150_000)];
          random.nextBytes(data);
          ours.write(ByteBuffer.wrap(data), position, "write");
          theirs.write(ByteBuffer.wrap(data), position, "write");
        }
        ByteBuffer one = ByteBuffer.allocate(random.nextInt(150_000));
        ByteBuffer two = ByteBuffer.allocate(one.capacity());
        long from = random.nextLong(600_000);
        assertThat(ours.read(one, from)).isEqualTo(theirs.read(two, from));
        assertThat(one.array()).isEqualTo(two.array());
        assertThat(ours.size()).isEqualTo(theirs.size());
      }
    }
  }

  @Test
  void a_file_grows_beyond_what_an_array_can_hold() throws IOException {
    long far = 5L << 30;
    try (DiskFile file = open(FILE, Disk.Mode.CREATE)) {
      file.write(bytes("far away"), far, "write");
      assertThat(file.size()).isEqualTo(far + 8);
      ByteBuffer target = ByteBuffer.allocate(12);
      assertThat(file.read(target, far - 4)).isEqualTo(12);
      assertThat(target.flip()).isEqualTo(bytes("\0\0\0\0far away"));
    }
  }

  @Test
  void modes_do_what_they_say() throws IOException {
    assertThatThrownBy(() -> open(FILE, Disk.Mode.READ)).isInstanceOf(FileNotFoundException.class);
    assertThatThrownBy(() -> open(FILE, Disk.Mode.READ_WRITE))
        .isInstanceOf(FileNotFoundException.class);
    write(FILE, "one");
    assertThatThrownBy(() -> open(FILE, Disk.Mode.CREATE))
        .isInstanceOf(FileAlreadyExistsException.class);
    DiskFile closed = open(FILE, Disk.Mode.READ);
    closed.close();
    assertThatThrownBy(closed::size).isInstanceOf(ClosedChannelException.class);
    assertThat(read(FILE)).isEqualTo(Dump.ascii("one"));
  }

  @Test
  void who_has_a_file_open_keeps_it_when_it_is_replaced_or_removed() throws IOException {
    write(FILE, "old");
    write(OTHER, "new");
    try (DiskFile open = open(FILE, Disk.Mode.READ)) {
      disk.rename(OTHER, FILE, "rename");
      disk.link(FILE, OTHER, "link");
      disk.delete(FILE, "delete");
      assertThat(read(open)).isEqualTo(Dump.ascii("old"));
    }
    assertThat(disk.exists(FILE)).isFalse();
    assertThat(read(OTHER)).isEqualTo(Dump.ascii("new"));
    disk.delete(FILE, "delete what is not there");
  }

  @Test
  void a_full_disk_fails_the_commit_and_a_pack_makes_room() {
    StorageOptions options = StorageOptions.of(OTHER).withPack(false, false);
    try (FileStorage storage = FileStorage.open(options, disk, InstantSource.system())) {
      Oid oid = new Oid(0);
      String large = "x".repeat(1 << 20);
      Tid last = commit(storage, oid, Tid.NONE, large);
      for (int i = 0; i < 5; i++) {
        last = commit(storage, oid, last, large);
      }
      Tid serial = last;
      String tooLarge = large + large;
      assertThatThrownBy(() -> commit(storage, oid, serial, tooLarge))
          .isInstanceOf(StorageIoException.class)
          .hasMessageContaining("no room");
      assertThat(storage.lastTransaction()).isEqualTo(serial);
      storage.pack(PackOptions.of(options, Tid.MAX), PackProgress.NONE);
      commit(storage, oid, serial, tooLarge);
    }
  }

  @Test
  void a_storage_on_it_commits_undoes_packs_and_opens_again() {
    StorageOptions options = StorageOptions.of(OTHER).withPack(false, false);
    Oid oid = new Oid(0);
    Tid first;
    try (FileStorage storage = FileStorage.open(options, disk, InstantSource.system())) {
      first = commit(storage, oid, Tid.NONE, "one");
      Tid second = commit(storage, oid, first, "two");
      try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
        buffer.undo(second);
        storage.vote(buffer, storage.commitLock().claim("test")).finish();
      }
      long size = storage.size();
      storage.pack(PackOptions.of(options, Tid.MAX), PackProgress.NONE);
      assertThat(storage.size()).isLessThan(size);
    }
    try (FileStorage storage = FileStorage.open(options, disk, InstantSource.system())) {
      Revision revision = Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX));
      assertThat(revision.data()).isEqualTo(Dump.ascii("one"));
    }
  }

  private static Tid commit(FileStorage storage, Oid oid, Tid serial, String data) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.store(oid, serial, Dump.ascii(data));
      VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
      voted.finish();
      return voted.tid();
    }
  }
}
