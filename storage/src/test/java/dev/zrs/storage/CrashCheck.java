package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** What must hold whatever a crash has left: see {@link #check}. */
final class CrashCheck {
  private static final Snapshot.Transaction PROBE =
      new Snapshot.Transaction(
          Tid.of(CrashWorkload.START.plusSeconds(100_000)),
          ' ',
          ByteBuffer.wrap(Dump.ascii("probe")),
          List.of(
              new Snapshot.Item(CrashWorkload.A, ByteBuffer.wrap(Pickles.mapping(77)), null, null),
              new Snapshot.Item(
                  CrashWorkload.SECOND_BLOB,
                  ByteBuffer.wrap(Pickles.blob()),
                  null,
                  ByteBuffer.wrap(Pickles.bytes(78)))));

  private final Path directory;

  /**
   * @param directory the root of the simulated file systems; the lock in it is real
   */
  CrashCheck(Path directory) {
    this.directory = directory;
  }

  /**
   * Opens a storage after a crash: it must hold exactly what is allowed, take further transactions
   * and open once more. Then the power is cut somewhere in what was just done, and what was there
   * must still be there.
   *
   * @param allowed what was acknowledged, and that with what was being written
   * @return what was found
   */
  Snapshot check(PowerCutDisk disk, Collection<Snapshot> allowed, long seed) throws IOException {
    int before = disk.operations();
    Snapshot found;
    int opened;
    try (FileStorage storage = open(disk)) {
      opened = disk.operations();
      found = Snapshot.of(storage, disk);
      assertThat(allowed).contains(found);
      commitProbe(storage, disk);
    }
    Snapshot withProbe = found.plus(List.of(PROBE));
    reopen(disk, Set.of(withProbe));
    Random random = new Random(seed);
    int count = before + random.nextInt(disk.operations() - before + 1);
    // An open that was cut off may cut off less or more of what nobody has seen.
    reopen(disk.cut(count, seed), count < opened ? allowed : List.of(found, withProbe));
    reopen(disk.cut(opened, seed), Set.of(found));
    reopen(disk.cut(disk.operations(), seed), Set.of(withProbe));
    return found;
  }

  private void reopen(PowerCutDisk disk, Collection<Snapshot> allowed) throws IOException {
    try (FileStorage storage = open(disk)) {
      assertThat(allowed).contains(Snapshot.of(storage, disk));
    }
  }

  FileStorage open(PowerCutDisk disk) {
    return FileStorage.open(CrashWorkload.options(directory), disk, () -> PROBE.tid().toInstant());
  }

  private static void commitProbe(FileStorage storage, PowerCutDisk disk) throws IOException {
    try (TransactionBuffer buffer =
        storage.begin(
            new TransactionMetadata(Bytes.EMPTY, Dump.ascii("probe"), Bytes.EMPTY),
            PROBE.tid(),
            ' ',
            null)) {
      buffer.restore(CrashWorkload.A, PROBE.tid(), Pickles.mapping(77), null);
      Path blob = storage.blobs().orElseThrow().createTemporary();
      try (DiskFile file = disk.open(blob, Disk.Mode.CREATE, "upload blob")) {
        file.write(ByteBuffer.wrap(Pickles.bytes(78)), 0, "upload blob");
      }
      buffer.restoreBlob(CrashWorkload.SECOND_BLOB, PROBE.tid(), Pickles.blob(), null, blob);
      storage.vote(buffer, storage.commitLock().claim("probe")).finish();
    }
  }
}
