package dev.zrs.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;

/** Records that another storage has transformed. */
final class RecordFormTest {
  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] record(int length) {
    byte[] record = new byte[length];
    Arrays.fill(record, (byte) 'N');
    record[length - 1] = '.';
    return record;
  }

  @Test
  void compressedAndBack() {
    for (int length : new int[] {21, 30, 1000, 1 << 20}) {
      byte[] record = record(length);
      byte[] compressed = RecordForm.compressed(record);
      assertThat(compressed.length).isLessThan(length);
      assertThat(new String(compressed, 0, 2, StandardCharsets.ISO_8859_1)).isEqualTo(".z");
      assertThat(RecordForm.isTransformed(compressed)).isTrue();
      assertThat(RecordForm.plain(compressed)).isEqualTo(record);
    }
  }

  @Test
  void whatIsShortOrWouldNotBeShorterIsLeftAlone() {
    byte[] shortOne = record(20);
    assertThat(RecordForm.compressed(shortOne)).isSameAs(shortOne);
    byte[] dense = ascii("abcdefghijklmnopqrstuvwxyz0123456789");
    assertThat(RecordForm.compressed(dense)).isSameAs(dense);
    byte[] compressed = RecordForm.compressed(record(1000));
    assertThat(RecordForm.compressed(compressed)).isSameAs(compressed);
  }

  @Test
  void hexadecimalAlsoAroundCompressed() {
    assertThat(RecordForm.plain(ascii(".h4e2e"))).isEqualTo(ascii("N."));
    byte[] compressed = RecordForm.compressed(record(1000));
    byte[] both = ascii(".h" + java.util.HexFormat.of().formatHex(compressed));
    assertThat(RecordForm.plain(both)).isEqualTo(record(1000));
    assertThat(RecordForm.decompressed(both)).isSameAs(both);
  }

  @Test
  void inTheFormOfAnother() {
    byte[] record = record(1000);
    byte[] compressed = RecordForm.compressed(record);
    byte[] other = record(500);
    assertThat(RecordForm.asForm(record, other)).isSameAs(record);
    assertThat(RecordForm.asForm(record, RecordForm.compressed(other))).isEqualTo(compressed);
    assertThat(RecordForm.asForm(record, RecordForm.hexed(other)))
        .isEqualTo(RecordForm.hexed(record));
    assertThat(RecordForm.asForm(record, RecordForm.hexed(RecordForm.compressed(other))))
        .isEqualTo(RecordForm.hexed(compressed));
    assertThat(RecordForm.unhexed(RecordForm.hexed(record))).isEqualTo(record);
    assertThat(RecordForm.hexed(RecordForm.hexed(record))).isEqualTo(RecordForm.hexed(record));
  }

  @Test
  void plainOnesAreThemselves() {
    byte[] record = record(100);
    assertThat(RecordForm.plain(record)).isSameAs(record);
    assertThat(RecordForm.isTransformed(record)).isFalse();
    assertThat(RecordForm.isTransformed(new byte[] {'.'})).isFalse();
  }

  @Test
  void whatIsNoDataIsAnError() {
    byte[] cut = Arrays.copyOf(RecordForm.compressed(record(1000)), 8);
    for (byte[] bad :
        new byte[][] {ascii(".z"), ascii(".znonsense"), cut, ascii(".hx"), ascii(".h4")}) {
      assertThatThrownBy(() -> RecordForm.plain(bad)).isInstanceOf(PickleException.class);
    }
  }

  @Test
  void largeOnesAreRefusedBeforeTheyTakeTheMemory() {
    byte[] zeros = new byte[100_000];
    byte[] compressed = RecordForm.compressed(zeros);
    assertThat(RecordForm.plainUpTo(compressed, zeros.length)).isEqualTo(zeros);
    assertThat(RecordForm.plainUpTo(compressed, zeros.length - 1)).isNull();
    assertThat(RecordForm.plainUpTo(RecordForm.hexed(compressed), 100)).isNull();
    byte[] longest = compressedZeros(RecordForm.MAX_PLAIN);
    assertThat(RecordForm.plain(longest)).hasSize(RecordForm.MAX_PLAIN);
    byte[] tooLong = compressedZeros(RecordForm.MAX_PLAIN + 1);
    assertThatThrownBy(() -> RecordForm.plain(tooLong))
        .hasMessageContaining("more than " + RecordForm.MAX_PLAIN);
    assertThatThrownBy(() -> RecordForm.decompressed(tooLong))
        .hasMessageContaining("more than " + RecordForm.MAX_PLAIN);
  }

  private static byte[] compressedZeros(int length) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ascii(".z"));
    byte[] piece = new byte[1 << 20];
    try (DeflaterOutputStream deflater = new DeflaterOutputStream(out)) {
      for (int left = length; left > 0; left -= piece.length) {
        deflater.write(piece, 0, Math.min(left, piece.length));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  @Test
  void nobodyTransformsMoreThanFourTimes() {
    byte[] record = record(10);
    byte[] transformed = record;
    for (int i = 0; i < 4; i++) {
      transformed = ascii(".h" + HexFormat.of().formatHex(transformed));
    }
    assertThat(RecordForm.plain(transformed)).isEqualTo(record);
    assertThat(RecordForm.start(transformed, 10)).startsWith(Arrays.copyOf(record, 10));
    byte[] once = ascii(".h" + HexFormat.of().formatHex(transformed));
    assertThatThrownBy(() -> RecordForm.plain(once)).hasMessageContaining("four times");
    assertThatThrownBy(() -> RecordForm.start(once, 1)).hasMessageContaining("four times");
  }

  @Test
  void theStartOfALongOneIsToldFromAPartOfIt() {
    byte[] compressed = RecordForm.compressed(record(1_000_000));
    byte[] cut = Arrays.copyOf(compressed, compressed.length / 2);
    assertThat(RecordForm.start(cut, 100)).startsWith(Arrays.copyOf(record(1_000_000), 100));
    assertThat(RecordForm.start(RecordForm.hexed(cut), 100))
        .startsWith(Arrays.copyOf(record(1_000_000), 100))
        .hasSizeLessThan(10_000);
    assertThat(RecordForm.start(record(10), 5)).isEqualTo(record(10));
    byte[] nonsense = ascii(".znonsense");
    assertThatThrownBy(() -> RecordForm.start(nonsense, 1)).isInstanceOf(PickleException.class);
  }
}
