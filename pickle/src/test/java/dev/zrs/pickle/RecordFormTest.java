package dev.zrs.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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
    byte[] zeros = RecordForm.compressed(new byte[RecordForm.MAX_PLAIN / 4]);
    assertThat(RecordForm.plain(zeros)).hasSize(RecordForm.MAX_PLAIN / 4);
    String endless = ".h".repeat(5);
    assertThatThrownBy(() -> RecordForm.plain(ascii(endless))).isInstanceOf(PickleException.class);
  }
}
