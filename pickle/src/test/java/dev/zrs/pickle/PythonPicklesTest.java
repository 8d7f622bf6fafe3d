package dev.zrs.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.zrs.testkit.PythonPeer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Random values, pickled by Python, loaded and written here: the bytes must be Python's. */
@Timeout(value = 150, unit = TimeUnit.SECONDS)
class PythonPicklesTest {
  private static final String COUNT = "2500";

  /** A pickle, and what Python's picklers make of its value; null where they can't. */
  @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
  record Case(
      String description,
      byte[] pickle,
      byte @Nullable [] zeo,
      byte @Nullable [] memoized,
      byte @Nullable [] zrs) {}

  static List<Case> cases(PythonPeer peer, String seed, String count) {
    ByteBuffer data =
        ByteBuffer.wrap(peer.run(PythonPicklesTest.class, "random_pickles.py", seed, count));
    List<Case> cases = new ArrayList<>();
    while (data.hasRemaining()) {
      String description = new String(present(data), StandardCharsets.UTF_8);
      cases.add(new Case(description, present(data), field(data), field(data), field(data)));
    }
    return cases;
  }

  private static byte[] present(ByteBuffer data) {
    byte[] field = field(data);
    return Objects.requireNonNull(field, "a field that must be there");
  }

  private static byte @Nullable [] field(ByteBuffer data) {
    int length = data.getInt();
    if (length == -1) {
      return null;
    }
    byte[] field = new byte[length];
    data.get(field);
    return field;
  }

  @Test
  void pickles_of_the_current_peer_are_written_again_with_the_same_bytes() {
    check(cases(PythonPeer.current(), "1", COUNT));
  }

  @Test
  void pickles_of_the_legacy_peer_are_written_again_with_the_same_bytes() {
    check(cases(PythonPeer.legacy(), "2", COUNT));
  }

  private static void check(List<Case> cases) {
    assertThat(cases).hasSizeGreaterThan(2_000);
    for (int i = 0; i < 3; i++) {
      int dialect = i;
      // Each way of writing must really have been compared, and often.
      assertThat(cases.stream().filter(c -> expected(c).get(dialect).length > 0))
          .hasSizeGreaterThan(800);
    }
    // The smallest one that fails is the easiest to understand.
    cases.stream()
        .sorted(Comparator.comparingInt(one -> one.pickle().length))
        .forEach(PythonPicklesTest::check);
  }

  private static List<byte[]> expected(Case one) {
    return Stream.of(one.zeo(), one.memoized(), one.zrs())
        .map(bytes -> bytes == null ? new byte[0] : bytes)
        .toList();
  }

  private static void check(Case one) {
    Object value = Unpickler.load(one.pickle());
    same(one, "zeo", PickleWriter.zeo(), value, one.zeo());
    same(one, "memoized", PickleWriter.memoized(3), value, one.memoized());
    if (one.zrs() != null) {
      same(one, "zrs", PickleWriter.zrs(), value, one.zrs());
    }
  }

  private static void same(
      Case one, String dialect, PickleWriter writer, Object value, byte @Nullable [] expected) {
    if (expected == null) {
      assertThatThrownBy(() -> writer.write(value))
          .as("%s as %s", one.description(), dialect)
          .isInstanceOf(PickleException.class);
      assertThat(writer.size()).isZero();
      return;
    }
    byte[] written = writer.write(value).toByteArray();
    int difference = Arrays.mismatch(written, expected);
    if (difference >= 0) {
      fail(
          "%s as %s differs at %d:%n from    %s%n expected %s%n written  %s"
              .formatted(
                  one.description(),
                  dialect,
                  difference,
                  text(one.pickle()),
                  text(expected),
                  text(written)));
    }
  }

  private static String text(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      text.append(b > ' ' && b < 0x7f ? Character.toString(b) : "\\x%02x".formatted(b));
    }
    return text.toString();
  }
}
