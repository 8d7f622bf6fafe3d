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
   * @param directory the root of the simulated file systems
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
   * @param where for messages
   * @return what was found
   */
  Snapshot check(PowerCutDisk disk, Collection<Snapshot> allowed, long seed, String where)
      throws IOException {
    try {
      return check(disk, allowed, seed);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(where + ": " + e.getMessage(), e);
    }
  }

  private Snapshot check(PowerCutDisk disk, Collection<Snapshot> allowed, long seed)
      throws IOException {
    int before = disk.operations();
    Snapshot found;
    int opened;
    try (FileStorage storage = start(disk)) {
      opened = disk.operations();
      found = Snapshot.of(storage, disk);
      assertThat(allowed).contains(found);
      assertThat(storage.blobs().orElseThrow().file(Oid.ROOT, Tid.NONE))
          .as("in the layout bushy")
          .startsWithRaw(directory.resolve("blobs/0x00/0x00"));
      assertThat(disk.list(directory.resolve("blobs/tmp")))
          .as("temporary files")
          .noneMatch(file -> file.toString().endsWith(".tmp"));
      commitProbe(storage, disk);
    }
    Snapshot withProbe = found.plus(List.of(PROBE));
    open(disk, Set.of(withProbe));
    int count = before + new Random(seed).nextInt(disk.operations() - before + 1);
    if (count >= opened) {
      open(disk.cut(count, seed), List.of(found, withProbe));
    } else {
      // If only a process was killed, a part of what it wrote could still be lost.
      open(disk.cut(count, seed), before == 0 ? Set.of(found) : allowed);
    }
    open(disk.cut(opened, seed), Set.of(found));
    open(disk.cut(disk.operations(), seed), Set.of(withProbe));
    return found;
  }

  /**
   * Opens a storage after a crash: it must hold exactly what is allowed.
   *
   * @return what was found
   */
  Snapshot open(PowerCutDisk disk, Collection<Snapshot> allowed) throws IOException {
    try (FileStorage storage = start(disk)) {
      Snapshot found = Snapshot.of(storage, disk);
      assertThat(allowed).contains(found);
      return found;
    }
  }

  /** Opens a storage, much later than all that the workload does. */
  FileStorage start(PowerCutDisk disk) {
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
