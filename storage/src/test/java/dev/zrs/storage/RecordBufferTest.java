package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class RecordBufferTest {
  private static final Path NAME = Path.of("Data.fs");

  private byte[] content = new byte[1 << 16];
  private final List<Stored> records = new ArrayList<>();
  private int end = DataFile.START;
  private int reads;
  private boolean failing;

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Stored(long position, long oid, byte[] data) {}

  private void add(int length) {
    byte[] bytes = new byte[DataHeader.LENGTH + length];
    new Random(records.size()).nextBytes(bytes);
    long oid = records.size() + 1L;
    DataHeader.format(bytes, 0, new Oid(oid), new Tid(7), 0, DataFile.START, length);
    if (content.length < end + bytes.length) {
      content = Arrays.copyOf(content, 2 * (end + bytes.length));
    }
    System.arraycopy(bytes, 0, content, end, bytes.length);
    records.add(new Stored(end, oid, Arrays.copyOfRange(bytes, DataHeader.LENGTH, bytes.length)));
    end += bytes.length;
  }

  private DataFile file() {
    return new DataFile(
        NAME,
        new OnlyRead() {
          @Override
          public int read(ByteBuffer target, long position) throws IOException {
            reads++;
            if (failing) {
              throw new IOException("bad sector");
            }
            int count = Math.clamp(end - position, 0, target.remaining());
            target.put(content, (int) position, count);
            return count;
          }

          @Override
          public long size() {
            return end;
          }

          @Override
          public void close() {}
        });
  }

  private static void assertRead(RecordBuffer buffer, Stored record) {
    DataHeader header = buffer.begin(record.position, record.oid);
    assertThat(header.dataLength()).isEqualTo(record.data.length);
    int from = buffer.complete(header) + DataHeader.LENGTH;
    assertThat(Arrays.copyOfRange(buffer.bytes(), from, from + record.data.length))
        .isEqualTo(record.data);
  }

  @Test
  void records_of_any_length_are_read_in_any_order() {
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      // Headers, and data, of all kinds lie across the bounds of blocks.
      add(1 + random.nextInt(i % 50 == 0 ? 200_000 : 300));
    }
    RecordBuffer buffer = new RecordBuffer(file());
    for (int round = 0; round < 3; round++) {
      for (Stored record : records) {
        assertRead(buffer, record);
      }
      Collections.shuffle(records, random);
    }
  }

  @Test
  void records_that_stand_together_are_read_at_once_also_between_others() {
    for (int i = 0; i < 400; i++) {
      add(100);
    }
    RecordBuffer buffer = new RecordBuffer(file());
    for (int i = 0; i < 200; i++) {
      assertRead(buffer, records.get(199 - i));
      assertRead(buffer, records.get(200 + i));
    }
    int blocks = end / RecordBuffer.BLOCK + 1;
    // Of a record across a bound, what the block lacks is read for itself.
    assertThat(reads).isBetween(blocks, 3 * blocks);
  }

  @Test
  void what_cannot_be_read_is_tried_again() {
    add(10);
    RecordBuffer buffer = new RecordBuffer(file());
    failing = true;
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> buffer.begin(DataFile.START, 1))
          .isInstanceOf(StorageIoException.class)
          .hasMessageContaining("bad sector");
    }
    failing = false;
    assertRead(buffer, records.getFirst());
  }

  @Test
  void a_position_without_such_a_record_is_corrupt() {
    add(10);
    add(10_000);
    DataFile file = file();
    RecordBuffer buffer = new RecordBuffer(file);
    assertThatThrownBy(() -> buffer.begin(DataFile.START, 2))
        .isInstanceOf(CorruptDataException.class)
        .hasMessageContaining("0000000000000001");
    assertThatThrownBy(() -> buffer.begin(end, 3))
        .isInstanceOf(CorruptDataException.class)
        .hasMessageContaining("the file ends here");
    assertThatThrownBy(() -> buffer.begin(end + 10 * RecordBuffer.BLOCK, 3))
        .isInstanceOf(CorruptDataException.class)
        .hasMessageContaining("the file ends here");
    DataHeader second = buffer.begin(records.get(1).position, 2);
    end--;
    assertThatThrownBy(() -> buffer.complete(second))
        .isInstanceOf(CorruptDataException.class)
        .hasMessageContaining("the file ends within the record");
  }
}
