package dev.zrs.pickle;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.zrs.testkit.Bounds;
import dev.zrs.testkit.HexLines;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Any bytes are read or refused with a {@link PickleException}, soon and without a large
 * allocation. In {@code ./test} the kept inputs are tried; {@code ./test long fuzz} looks for
 * others.
 */
class PickleFuzz {
  /** Far above what small inputs need, far below what a forged length can ask for. */
  private static Bounds bounds(byte[] input) {
    return new Bounds((1 << 17) + 400L * input.length, Duration.ofSeconds(2));
  }

  static List<byte[]> pickles() {
    return HexLines.of(PickleFuzz.class, "fuzz-pickles.txt");
  }

  static List<byte[]> records() {
    return HexLines.of(PickleFuzz.class, "fuzz-records.txt");
  }

  @MethodSource("pickles")
  @FuzzTest
  void any_pickle(byte[] input) {
    bounds(input).check(() -> readAndWrite(input));
  }

  private static void readAndWrite(byte[] input) {
    Object value;
    try {
      value = Unpickler.load(input);
    } catch (PickleException e) {
      return;
    }
    assertThat(value.toString()).isNotNull();
    // With a memo: what a small pickle unfolds to without one is bounded, but not small.
    PickleWriter writer = PickleWriter.memoized(3);
    try {
      writer.write(value);
    } catch (PickleException e) {
      return;
    }
    byte[] written = writer.toByteArray();
    assertThat(Unpickler.load(written)).hasSameClassAs(value);
  }

  @MethodSource("records")
  @FuzzTest
  void any_record(byte[] input) {
    bounds(input).check(() -> readRecord(input));
  }

  private static void readRecord(byte[] input) {
    boolean blob = RecordPickles.isBlob(input);
    assertThat(!blob || RecordPickles.classOf(input).isPresent()).isTrue();
    List<String> scanned = ReferenceScannerTest.scanned(new ReferenceScanner(), input);
    assertThat(scanned).isEqualTo(ReferenceScannerTest.reference(input));
    assertThat(scanned).hasSizeLessThanOrEqualTo(input.length + 1);
  }
}
