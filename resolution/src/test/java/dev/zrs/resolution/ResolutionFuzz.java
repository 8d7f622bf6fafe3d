package dev.zrs.resolution;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.zrs.pickle.PickleLimits;
import dev.zrs.pickle.RecordForm;
import dev.zrs.pickle.RecordPickles;
import dev.zrs.pickle.Unpickler;
import dev.zrs.testkit.Bounds;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever stands in the three records: they are merged or not, soon and without a large
 * allocation. In {@code ./test} the kept inputs are tried; {@code ./test long fuzz} looks for
 * others.
 */
class ResolutionFuzz {
  static List<byte[]> conflicts() {
    return Conflict.kept();
  }

  @MethodSource("conflicts")
  @FuzzTest
  void any_conflict(byte[] input) {
    check(Conflict.of(input));
  }

  /**
   * Resolves a conflict within the bounds of what small records may cost. A merged record can be
   * read, and is one of the same class.
   */
  static Resolution check(Conflict conflict) {
    Bounds bounds = new Bounds((1 << 20) + 4_000L * conflict.length(), Duration.ofSeconds(5));
    Resolution[] came = new Resolution[1];
    bounds.check(() -> came[0] = conflict.resolve());
    if (came[0] instanceof Resolution.Resolved(byte[] record)) {
      assertThat(RecordPickles.classOf(record).flatMap(BTreeClass::of))
          .isEqualTo(RecordPickles.classOf(conflict.changed()).flatMap(BTreeClass::of));
      byte[] plain = RecordForm.plain(record);
      Unpickler in = new Unpickler(plain, 0, plain.length, PickleLimits.DEFAULT);
      in.load();
      in.load();
      assertThat(in.position()).isEqualTo(plain.length);
    }
    return came[0];
  }
}
