package dev.zrs.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.testkit.PythonPeer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input gives a PickleException and nothing else, soon, and without a large allocation. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class HostilePicklesTest {
  private static final int LONGEST = 2_000;

  private static List<byte[]> pickles(String seed) {
    List<byte[]> pickles =
        PythonPicklesTest.cases(PythonPeer.current(), seed, "900").stream()
            .map(PythonPicklesTest.Case::pickle)
            .filter(pickle -> pickle.length <= LONGEST)
            .toList();
    assertThat(pickles).hasSizeGreaterThan(500);
    return pickles;
  }

  @Test
  void every_truncation_is_refused() {
    for (byte[] pickle : pickles("3")) {
      int step = 1 + pickle.length / 100;
      for (int length = 0; length < pickle.length; length += step) {
        byte[] truncated = Arrays.copyOf(pickle, length);
        assertThatThrownBy(() -> Unpickler.load(truncated)).isInstanceOf(PickleException.class);
      }
    }
  }

  @Test
  void flipped_bytes_are_read_or_refused() {
    Random random = new Random(4);
    int read = 0;
    int refused = 0;
    for (byte[] pickle : pickles("4")) {
      for (int i = 0; i < 40; i++) {
        byte[] damaged = pickle.clone();
        for (int k = random.nextInt(3); k >= 0; k--) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
        }
        if (readsAndWrites(damaged)) {
          read++;
        } else {
          refused++;
        }
      }
    }
    assertThat(read).isGreaterThan(1_000);
    assertThat(refused).isGreaterThan(1_000);
  }

  @Test
  void noise_of_opcodes_is_read_or_refused() {
    Random random = new Random(5);
    byte[] opcodes = bytes("(.012FIJKLMNPQRSTUVXabcd}eghijl]opqrst)uGBC\n\n10");
    for (int i = 0; i < 100_000; i++) {
      byte[] noise = new byte[2 + random.nextInt(60)];
      for (int k = 0; k < noise.length; k++) {
        noise[k] =
            random.nextInt(3) == 0
                ? (byte) (0x80 + random.nextInt(0x19))
                : opcodes[random.nextInt(opcodes.length)];
      }
      noise[noise.length - 1] = '.';
      readsAndWrites(noise);
    }
  }

  /** Also what comes out of a damaged pickle must be writable, or be refused. */
  private static boolean readsAndWrites(byte[] pickle) {
    Object value;
    try {
      value = Unpickler.load(pickle);
    } catch (PickleException e) {
      assertThat(e).hasMessageContaining("offset");
      return false;
    }
    assertThat(Py.describe(value)).isNotEmpty();
    assertThat(value.toString()).isNotNull();
    for (PickleWriter writer :
        List.of(PickleWriter.zeo(), PickleWriter.memoized(3), PickleWriter.zrs())) {
      try {
        writer.write(value);
      } catch (PickleException e) {
        assertThat(writer.size()).isZero();
        continue;
      }
      assertThat(Unpickler.load(writer.toByteArray())).hasSameClassAs(value);
    }
    return true;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "B\377\377\377\177a.", // 2 GiB of bytes
        "X\377\377\377\377a.", // 4 GiB of text
        "\216\377\377\377\377\377\377\377\177a.", // 2^63 bytes
        "\216\377\377\377\377\377\377\377\377a.", // a negative length
        "\213\377\377\377\177a.", // an integer of 2 GiB
        "\225\377\377\377\377\377\377\377\177N.", // a frame
        "\226\377\377\377\377\0\0\0\0N.", // a bytearray
        "\227.", // an out-of-band buffer
        "N\230.", // a read-only buffer
        "NQQ.", // a chain of persistent references
        "\200\006N.", // an unknown protocol
        "h\000.", // nothing remembered
        "t.", // no mark
        "(t", // no end
        "(N.", // a mark that is left
        "]N)b.", // a state for None
        "}(NNNu.", // a key without a value
        "\377.", // no opcode
        ".", // nothing
        "",
        "I1x\n.",
        "Lx\n.",
        "F0x1p3\n.",
        "S'a\n.",
        "S'\\xg0'\n.",
        "V\\u12\n.",
        "V\\U00110000\n.",
        "X\001\0\0\0\377.",
        "X\002\0\0\0\300\200.", // overlong
        "p-1\n.",
        "Np99999999999999999999\n.",
        "cos\n.",
        "\214\002a\n\214\001b\223.", // a name with a line feed
        "\202\000."
      })
  void bad_pickles_are_refused(String pickle) {
    assertThatThrownBy(() -> Unpickler.load(bytes(pickle)))
        .isExactlyInstanceOf(PickleException.class)
        .hasMessageContaining("offset");
  }

  @Test
  void too_deep_nesting_is_refused_by_the_reader_or_by_the_writer() {
    byte[] marks = bytes("(".repeat(100_000) + "N" + "t".repeat(100_000) + ".");
    assertThatThrownBy(() -> Unpickler.load(marks))
        .isInstanceOf(PickleException.class)
        .hasMessageContaining("nested deeper than 1000");
    Object tuples = Unpickler.load(bytes("N" + "\205".repeat(1_000_000) + "."));
    for (PickleWriter writer :
        List.of(PickleWriter.zeo(), PickleWriter.memoized(3), PickleWriter.zrs())) {
      assertThatThrownBy(() -> writer.write(tuples))
          .isInstanceOf(PickleException.class)
          .hasMessageContaining("nests deeper than 1000");
    }
  }

  @Test
  void a_value_that_contains_itself_needs_the_memo() {
    Object list = Unpickler.load(bytes("]q\000h\000a."));
    assertThat(PickleWriter.memoized(3).write(list).toByteArray())
        .isEqualTo(bytes("\200\003]q\000h\000a."));
    assertThatThrownBy(() -> PickleWriter.zeo().write(list)).isInstanceOf(PickleException.class);
  }

  @Test
  void a_value_that_unfolds_without_end_is_refused() {
    StringBuilder pickle = new StringBuilder("]");
    for (int i = 0; i < 60; i++) {
      pickle.append("q\000]h\000ah\000a");
    }
    Object value = Unpickler.load(bytes(pickle.append('.').toString()));
    assertThatThrownBy(() -> PickleWriter.zeo().write(value))
        .isInstanceOf(PickleException.class)
        .hasMessageContaining("unfolds");
  }

  @Test
  void calls_can_not_copy_one_argument_again_and_again() {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.writeBytes(bytes("cbuiltins\nset\nq\0000](" + "N".repeat(1_000) + "e\205q\0010"));
    pickle.writeBytes(bytes("h\000h\001Rq\0020".repeat(1_000) + "N."));
    assertThatThrownBy(() -> Unpickler.load(pickle.toByteArray()))
        .isInstanceOf(PickleException.class)
        .hasMessageContaining("copy more");
  }

  @Test
  void a_large_memo_number_costs_no_large_memo() {
    for (int i = 0; i < 10_000; i++) {
      assertThat(Unpickler.load(bytes("Nr\376\377\377\377j\376\377\377\377.")))
          .isEqualTo(PyNone.NONE);
    }
  }

  @Test
  void limits_are_kept() {
    PickleLimits limits = new PickleLimits(2, 5);
    assertThat(load("((Ntt.", limits)).isInstanceOf(PyTuple.class);
    assertThatThrownBy(() -> load("(((Nttt.", limits)).hasMessageContaining("nested deeper than 2");
    assertThatThrownBy(() -> load("(NNNNNNt.", limits)).hasMessageContaining("more than 5 values");
  }

  private static Object load(String pickle, PickleLimits limits) {
    byte[] bytes = bytes(pickle);
    return new Unpickler(bytes, 0, bytes.length, limits).load();
  }

  static byte[] bytes(String latin1) {
    return latin1.getBytes(StandardCharsets.ISO_8859_1);
  }
}
