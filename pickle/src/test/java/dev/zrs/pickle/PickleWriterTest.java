package dev.zrs.pickle;

import static dev.zrs.pickle.HostilePicklesTest.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What the comparison with Python does not reach: single opcodes, and values of Python 2. */
class PickleWriterTest {
  @Test
  void opcodes_written_one_by_one_equal_a_written_value() {
    PickleWriter writer = PickleWriter.zeo();
    byte[] oid = {0, 0, 0, 0, 0, 0, 1, 2};
    writer.start().mark().integer(7).bool(true).text(".reply").bytes8(0x102).none().tuple2();
    writer.tuple().stop();
    PyTuple pair = PyTuple.of(oid, PyNone.NONE);
    byte[] expected = PickleWriter.zeo().write(PyTuple.of(7L, true, ".reply", pair)).toByteArray();
    assertThat(writer.toByteArray()).isEqualTo(expected);
    assertThat(writer.size()).isEqualTo(expected.length);
    assertThat(Arrays.copyOf(writer.buffer(), writer.size())).isEqualTo(expected);
    writer.reset();
    assertThat(writer.size()).isZero();
  }

  @Test
  void reserved_bytes_are_filled_by_the_caller() {
    byte[] data = new byte[1_000];
    Arrays.fill(data, (byte) 3);
    PickleWriter writer = PickleWriter.zeo().start();
    int position = writer.reserveBytes(data.length);
    System.arraycopy(data, 0, writer.buffer(), position, data.length);
    assertThat(writer.stop().toByteArray()).isEqualTo(PickleWriter.zeo().write(data).toByteArray());
  }

  @Test
  void bytes_for_zc_zrs_are_encoded_text() {
    byte[] expected = bytes("c_codecs\nencode\n(X\003\0\0\0a\303\277X\006\0\0\0latin1tR.");
    byte[] data = bytes("xa\377x");
    assertThat(PickleWriter.zrs().start().bytes(data, 1, 2).stop().toByteArray())
        .isEqualTo(expected);
    assertThat(PickleWriter.zrs().bytes8(0).toByteArray())
        .isEqualTo(PickleWriter.zrs().bytes(new byte[8]).toByteArray());
  }

  @Test
  void opcodes_that_protocol_1_lacks_are_refused() {
    assertThatThrownBy(() -> PickleWriter.zrs().none().tuple1())
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> PickleWriter.zrs().reserveBytes(1))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> PickleWriter.memoized(2)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_refused_value_leaves_the_buffer_as_it_was() {
    PickleWriter writer = PickleWriter.zeo().start();
    assertThatThrownBy(() -> writer.value(PyTuple.of(1L, Thread.currentThread())))
        .isInstanceOf(PickleException.class)
        .hasMessageContaining("java.lang.Thread");
    assertThat(writer.stop().size()).isEqualTo(3);
  }

  @Test
  void values_of_python_2_and_references_are_written_as_they_were() {
    for (String body :
        new String[] {
          "U\002a\377",
          "T\000\001\000\000" + "x".repeat(256),
          "K\001Q",
          "\202\007",
          "\203\007\001",
          "\204\007\001\001\000",
          "(cm\nA\nK\001o",
          "cm\nA\n)\201]b",
          "cm\nA\n)R(K\001K\002e",
        }) {
      byte[] pickle = bytes("\200\003" + body + ".");
      assertThat(PickleWriter.zeo().write(Unpickler.load(pickle)).toByteArray()).isEqualTo(pickle);
    }
    assertThat(PickleWriter.zeo().write(Unpickler.load(bytes("(im\nA\n."))).toByteArray())
        .isEqualTo(bytes("\200\003(cm\nA\no."));
  }

  @Test
  void keyword_arguments_take_the_call_that_protocol_3_has_for_them() {
    Object value = Unpickler.load(bytes("\200\004cm\nA\n)}\214\001aK\001s\222."));
    assertThat(PickleWriter.zeo().write(value).toByteArray())
        .isEqualTo(bytes("\200\003ccopyreg\n__newobj_ex__\ncm\nA\n)}X\001\0\0\0aK\001s\207R."));
  }

  @Test
  void a_long_integer_is_refused_in_protocol_1_as_by_python() {
    Object value = Unpickler.load(bytes("\213\000\020\0\0" + "\001".repeat(4096) + "."));
    assertThatThrownBy(() -> PickleWriter.zrs().write(value))
        .isInstanceOf(PickleException.class)
        .hasMessageContaining("4300 digits");
    assertThat(PickleWriter.zeo().write(value).size()).isEqualTo(2 + 5 + 4096 + 1);
  }
}
