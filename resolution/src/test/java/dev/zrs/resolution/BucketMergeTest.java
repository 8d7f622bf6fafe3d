package dev.zrs.resolution;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** All changes of small buckets: which reasons there are, and what holds of every merged state. */
final class BucketMergeTest {
  private static final int KEYS = 4;

  /** No key, or one of two values. */
  private static final int CHOICES = 3;

  private static final int STATES = (int) Math.pow(CHOICES, KEYS);

  private static BucketState state(int number) {
    List<Object> keys = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    int rest = number;
    for (long key = 0; key < KEYS; key++, rest /= CHOICES) {
      if (rest % CHOICES > 0) {
        keys.add(key);
        values.add((long) (rest % CHOICES));
      }
    }
    return new BucketState(keys, values, Optional.empty());
  }

  private static int choice(int state, int key) {
    return state / (int) Math.pow(CHOICES, key) % CHOICES;
  }

  /** Where only one of the two has changed something, that counts; else they must agree. */
  private static int expected(int old, int committed, int changed) {
    int merged = 0;
    for (int key = KEYS - 1; key >= 0; key--) {
      int before = choice(old, key);
      int theirs = choice(committed, key);
      int mine = choice(changed, key);
      merged = CHOICES * merged + (theirs == before ? mine : theirs);
    }
    return merged;
  }

  @Test
  void everyMergedStateHasBothChanges() {
    BTreeClass type = new BTreeClass('L', 'L', BTreeClass.Kind.BUCKET);
    Set<MergeError> reasons = EnumSet.noneOf(MergeError.class);
    int merged = 0;
    for (int old = 0; old < STATES; old++) {
      for (int committed = 0; committed < STATES; committed++) {
        for (int changed = 0; changed < STATES; changed++) {
          try {
            BucketState result =
                BucketMerge.merge(
                    type, new PythonOrder(), state(old), state(committed), state(changed));
            assertThat(result).isEqualTo(state(expected(old, committed, changed)));
            merged++;
          } catch (RefusedException e) {
            reasons.add(reason(e));
          }
        }
      }
    }
    assertThat(merged).isGreaterThan(STATES * STATES);
    assertThat(reasons)
        .containsExactlyInAnyOrderElementsOf(
            EnumSet.complementOf(
                EnumSet.of(MergeError.SPLIT, MergeError.SEVERAL_BUCKETS, MergeError.NOTHING_LEFT)));
  }

  private static MergeError reason(RefusedException refused) {
    return EnumSet.allOf(MergeError.class).stream()
        .filter(each -> each.toString().equals(refused.getMessage()))
        .findAny()
        .orElseThrow();
  }
}
