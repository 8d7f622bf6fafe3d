package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.pickle.RecordForm;
import dev.zrs.testkit.Logged;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pack of records that are damaged, or that can't be read. */
@Timeout(120)
final class PackDamageTest {
  private static final Oid A = new Oid(1);
  private static final Oid B = new Oid(2);
  private static final Oid C = new Oid(3);

  @TempDir private Path directory = Path.of("unset");

  private Path file() {
    return directory.resolve("Data.fs");
  }

  private FileStorage open() {
    return FileStorage.open(
        StorageOptions.of(file()).withBlobDirectory(directory.resolve("blobs")),
        new RealDisk(),
        InstantSource.system());
  }

  private static long position(FileStorage storage, Oid oid) {
    return storage.read(generation -> generation.index().get(oid.value()));
  }

  private void damageBackPointer(long record, long to) throws IOException {
    try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(Bytes.ofLong(to)), record + DataHeader.LENGTH);
    }
  }

  @Test
  void a_damaged_back_pointer_of_a_record_that_goes_keeps_its_blob_and_is_told()
      throws IOException {
    try (FileStorage storage = open();
        Logged log = new Logged("ZODB.FileStorage")) {
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(1, B), A, PackTest.record(1)));
      Tid one = PackTest.storeBlob(storage, B, "one");
      Tid two = PackTest.storeBlob(storage, B, "two");
      Tid undone = PackTest.undo(storage, two);
      damageBackPointer(position(storage, B), position(storage, A));
      Tid last = PackTest.storeBlob(storage, B, "three");
      assertThat(storage.pack(storage.lastTransaction()).packed()).isTrue();
      BlobDirectory blobs = storage.blobs().orElseThrow();
      assertThat(blobs.exists(B, one)).isFalse();
      assertThat(blobs.exists(B, two)).isFalse();
      assertThat(blobs.exists(B, undone)).isTrue();
      assertThat(blobs.exists(B, last)).isTrue();
      assertThat(log.warnings())
          .singleElement()
          .satisfies(
              each ->
                  assertThat(each.getFormattedMessage())
                      .contains(
                          "the record of oid %s (serial %s) at position".formatted(B, undone),
                          "its file stays",
                          "here stands a record of oid " + A));
    }
  }

  /** A record of a class with a name that would do something to a log or a terminal. */
  private static byte[] ofClass(String name, String state) {
    return PackTest.latin1("\200\003cm\n" + name + "\nq\0.\200\003" + state);
  }

  @Test
  void names_of_classes_and_reasons_are_no_lines_of_the_log() {
    String evil = "K\r\t\033[2J\302\205\342\200\250";
    try (FileStorage storage = open();
        Logged log = new Logged("ZODB.FileStorage")) {
      PackTest.commit(
          storage,
          Map.of(Oid.ROOT, PackTest.record(1, A, B), A, ofClass(evil, "N."), B, ofClass(evil, "")));
      PackTest.commit(storage, Map.of(A, PackTest.record(1)));
      PackReport report = storage.pack(storage.lastTransaction());
      String name = "m.K???[2J??";
      assertThat(report.unreadable()).singleElement().extracting("className").isEqualTo(name);
      assertThat(report.removedClasses()).singleElement().extracting("className").isEqualTo(name);
      assertThat(log.lines()).anyMatch(line -> line.contains("removed 1 records of " + name + ","));
      assertThat(log.lines()).anyMatch(line -> line.contains("(class " + name + ","));
      assertThat(log.lines())
          .noneMatch(
              line -> line.chars().anyMatch(c -> Character.isISOControl(c) || c == '\u2028'));
    }
  }

  @Test
  void a_record_that_cannot_be_read_is_counted_once_also_if_something_points_back_to_it() {
    try (FileStorage storage = open()) {
      Tid first =
          PackTest.commit(
              storage,
              Map.of(Oid.ROOT, PackTest.record(1, A), A, PackTest.latin1("\200\003cm\nK\n.no")));
      Tid second = PackTest.commit(storage, Map.of(A, PackTest.record(2), B, PackTest.record(1)));
      PackTest.undo(storage, second);
      PackTest.commit(storage, Map.of(Oid.ROOT, PackTest.record(2, A)));
      // It is current then, and a younger one points back to it.
      PackReport report =
          storage.pack(new PackOptions(first, true, false, false), PackProgress.NONE);
      assertThat(report.unreadable()).hasSize(1);
      assertThat(report.unreadableCount()).isEqualTo(1);
    }
  }

  @Test
  void of_more_unreadable_records_than_are_known_each_is_counted() {
    UnreadableRecords unreadable = new UnreadableRecords();
    int count = UnreadableRecords.MAX_KNOWN + 10;
    for (int turn = 0; turn < 2; turn++) {
      for (int i = 0; i < count; i++) {
        DataHeader record = new DataHeader(100L * i, A, Tid.NONE, 0, 0, 1);
        unreadable.add(record, new byte[1], "bad");
      }
    }
    assertThat(unreadable.count()).isBetween((long) count, count + 10L);
    assertThat(unreadable.named()).hasSize(PackReport.MAX_NAMED);
  }

  private static void assertGarbageStays(FileStorage storage, PackReport report, String reason) {
    assertThat(report.packed()).isTrue();
    assertThat(report.garbageKept()).isTrue();
    assertThat(report.garbage()).isEqualTo(1);
    assertThat(report.removedRecords()).isEqualTo(1);
    assertThat(report.unreadable())
        .singleElement()
        .satisfies(
            each -> {
              assertThat(each.oid()).isEqualTo(A);
              assertThat(each.reason()).contains(reason);
            });
    assertThat(PackTest.current(storage, B)).isEqualTo(PackTest.record(2));
  }

  private static PackReport packWith(FileStorage storage, byte[] bad) {
    PackTest.commit(
        storage, Map.of(Oid.ROOT, PackTest.record(1, A, C), A, bad, B, PackTest.record(2), C, bad));
    PackTest.commit(storage, Map.of(C, PackTest.record(3)));
    return storage.pack(storage.lastTransaction());
  }

  @Test
  void a_compressed_record_that_ends_too_early_keeps_the_garbage() {
    byte[] compressed = RecordForm.compressed(PackTest.record(5_000, B));
    assertThat(compressed[1]).isEqualTo((byte) 'z');
    byte[] cut = Arrays.copyOf(compressed, compressed.length - 6);
    try (FileStorage storage = open()) {
      assertGarbageStays(storage, packWith(storage, cut), "end too early");
    }
  }

  @Test
  void a_compressed_record_that_would_take_too_much_memory_keeps_the_garbage() {
    byte[] bomb = bomb();
    assertThat(bomb.length).isLessThan(1 << 20);
    try (FileStorage storage = open()) {
      assertGarbageStays(
          storage, packWith(storage, bomb), "more than " + RecordForm.MAX_PLAIN + " bytes");
    }
  }

  /** A few bytes that stand for more than a record may have. */
  private static byte[] bomb() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(PackTest.latin1(".z"));
    byte[] zeros = new byte[1 << 20];
    byte[] chunk = new byte[1 << 16];
    try (Deflater deflater = new Deflater()) {
      for (int done = 0; done <= RecordForm.MAX_PLAIN; done += zeros.length) {
        deflater.setInput(zeros);
        while (!deflater.needsInput()) {
          out.write(chunk, 0, deflater.deflate(chunk));
        }
      }
      deflater.finish();
      while (!deflater.finished()) {
        out.write(chunk, 0, deflater.deflate(chunk));
      }
    }
    return out.toByteArray();
  }
}
