package dev.zrs.pickle;

import static dev.zrs.pickle.HostilePicklesTest.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class UnpicklerTest {
  private static Object load(String pickle) {
    return Unpickler.load(bytes(pickle));
  }

  private static PyDict dict(@Nullable Object value) {
    return (PyDict) Objects.requireNonNull(value);
  }

  @Test
  void scalars_have_plain_java_types() {
    assertThat(load("N.")).isSameAs(PyNone.NONE);
    assertThat(load("\200\002\210.")).isEqualTo(true);
    assertThat(load("I00\n.")).isEqualTo(false);
    assertThat(load("I0\n.")).isEqualTo(0L);
    assertThat(load("J\376\377\377\377.")).isEqualTo(-2L);
    assertThat(load("L-12L\n.")).isEqualTo(-12L);
    assertThat(load("\212\000.")).isEqualTo(0L);
    assertThat(load("\212\010\0\0\0\0\0\0\0\200.")).isEqualTo(Long.MIN_VALUE);
    assertThat(load("\212\011\0\0\0\0\0\0\0\200\0.")).isEqualTo(BigInteger.TWO.pow(63));
    assertThat(load("F-1.5e3\n.")).isEqualTo(-1500.0);
    assertThat(load("F-inf\n.")).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(load("C\002\000\377.")).isEqualTo(new byte[] {0, -1});
    assertThat(load("Va\\u20ac\\\\n\n.")).isEqualTo("a€\\\\n");
  }

  @Test
  void a_python_2_str_stays_bytes() {
    PyStr8 expected = new PyStr8(bytes("a\377"));
    assertThat(load("U\002a\377.")).isEqualTo(expected).hasSameHashCodeAs(expected);
    assertThat(load("T\002\0\0\0a\377.")).isEqualTo(expected);
    assertThat(load("S'a\\xff'\n.")).isEqualTo(expected);
    assertThat(load("S\"it's \\101\\n\\q\"\n.")).isEqualTo(new PyStr8(bytes("it's A\n\\q")));
  }

  @Test
  void a_lone_surrogate_is_legal_text() {
    assertThat(load("X\003\0\0\0\355\240\200.")).isEqualTo("\ud800");
  }

  @Test
  void calls_that_stand_for_bytes_are_bytes() {
    assertThat(load("c_codecs\nencode\n(X\002\0\0\0\303\277X\006\0\0\0latin1tR."))
        .isEqualTo(new byte[] {-1});
    assertThat(load("c_codecs\nencode\n(X\002\0\0\0\303\277X\007\0\0\0latin-1tR."))
        .isEqualTo(new byte[] {-1});
    assertThat(load("c__builtin__\nbytes\n)R.")).isEqualTo(new byte[0]);
    assertThat(load("\200\003cbuiltins\nbytes\n)R.")).isEqualTo(new byte[0]);
  }

  @Test
  void any_other_call_is_data() {
    PyInstance call = (PyInstance) load("cos\nsystem\n(X\002\0\0\0lstR.");
    assertThat(call.kind()).isEqualTo(PyInstance.Kind.REDUCE);
    assertThat(call.callable()).isEqualTo(new PyGlobal("os", "system"));
    assertThat(call.args().items()).containsExactly("ls");
    assertThat(call.state()).isNull();
    assertThat(load("c_codecs\nencode\n(X\001\0\0\0aX\005\0\0\0utf-8tR."))
        .isInstanceOf(PyInstance.class);
  }

  @Test
  void a_call_for_its_side_effect_is_refused_not_forgotten() {
    assertThatThrownBy(() -> load("cm\nsetter\n)R0N."))
        .isInstanceOf(PickleException.class)
        .hasMessage("bad pickle at offset 12 of opcode '0': a call for its side effect");
  }

  @Test
  void names_of_python_2_are_translated_unless_they_are_to_be_kept() {
    byte[] old = bytes("ccopy_reg\n_reconstructor\n.");
    assertThat(Unpickler.load(old)).isEqualTo(new PyGlobal("copyreg", "_reconstructor"));
    assertThat(new Unpickler(old, 0, old.length, PickleLimits.DEFAULT).keepNames().load())
        .isEqualTo(new PyGlobal("copy_reg", "_reconstructor"));
    assertThat(load("\200\003ccopy_reg\nx\n.")).isEqualTo(new PyGlobal("copy_reg", "x"));
  }

  @Test
  void objects_of_all_kinds_keep_their_parts() {
    PyInstance instance = (PyInstance) load("(icls\nA\n}X\001\0\0\0aK\001sb.");
    assertThat(instance.kind()).isEqualTo(PyInstance.Kind.INST);
    assertThat(dict(instance.state()).get("a")).isEqualTo(1L);
    assertThat(((PyInstance) load("(cm\nA\nK\001o.")).args().items()).containsExactly(1L);
    PyInstance keywords = (PyInstance) load("\200\004cm\nA\n)}\214\001aK\001s\222.");
    assertThat(keywords.kind()).isEqualTo(PyInstance.Kind.NEWOBJ_EX);
    assertThat(dict(keywords.kwargs()).get("a")).isEqualTo(1L);
    PyInstance filled = (PyInstance) load("cm\nA\n)\201(K\001K\002eK\003K\004s.");
    assertThat(filled.listItems().items()).containsExactly(1L, 2L);
    assertThat(filled.dictItems().entries()).containsExactly(new PyDict.Entry(3L, 4L));
  }

  @Test
  void references_are_data() {
    assertThat(load("Pabc\n.")).isEqualTo(new PyPersistent("abc"));
    assertThat(load("K\001Q.")).isEqualTo(new PyPersistent(1L));
    assertThat(load("\202\007.")).isEqualTo(new PyExtension(7));
    assertThat(load("\204\001\0\001\0.")).isEqualTo(new PyExtension(0x10001));
  }

  @Test
  void shared_values_come_out_the_same() {
    PyTuple tuple = (PyTuple) load("]q\005h\005\206.");
    assertThat(tuple.get(0)).isSameAs(tuple.get(1));
    assertThat(((PyTuple) load("]2\206.")).get(0)).isInstanceOf(PyList.class);
  }

  @Test
  void the_second_pickle_follows_the_first_and_shares_its_memo() {
    byte[] record = bytes("xxcm\nA\nq\001.}X\001\0\0\0ah\001s.yy");
    Unpickler unpickler = new Unpickler(record, 2, record.length - 4, PickleLimits.DEFAULT);
    assertThat(unpickler.load()).isEqualTo(new PyGlobal("m", "A"));
    assertThat(unpickler.position()).isEqualTo(10);
    assertThat(((PyDict) unpickler.load()).get("a")).isEqualTo(new PyGlobal("m", "A"));
    assertThat(unpickler.position()).isEqualTo(record.length - 2);
    assertThatThrownBy(unpickler::load).isInstanceOf(PickleException.class);
  }

  @Test
  void a_dict_finds_text_keys_of_both_pythons_and_replaces_values() {
    PyDict dict = (PyDict) load("}(U\001aK\001X\001\0\0\0bK\002]K\003u.");
    assertThat(dict.get("a")).isEqualTo(1L);
    assertThat(dict.get("b")).isEqualTo(2L);
    assertThat(dict.get("c")).isNull();
    dict.put("b", 5L);
    dict.put("c", 6L);
    assertThat(dict.get("b")).isEqualTo(5L);
    assertThat(dict.size()).isEqualTo(4);
  }

  @Test
  void helpers_say_what_was_needed_and_what_was_there() {
    assertThat(Py.asBytes(new PyStr8(bytes("a")))).isEqualTo(bytes("a"));
    assertThat(Py.asText(new PyStr8(bytes("a")))).isEqualTo("a");
    assertThat(Py.asLong(true)).isOne();
    assertThatThrownBy(() -> Py.asBytes("secret"))
        .isInstanceOf(PickleTypeException.class)
        .hasMessage("needed bytes, found text of length 6");
    assertThatThrownBy(() -> Py.asTuple(PyTuple.of(1L), 2))
        .hasMessage("needed a tuple of 2, found a tuple of 1");
    assertThatThrownBy(() -> Py.asInt(1L << 40)).isInstanceOf(PickleTypeException.class);
    assertThatThrownBy(() -> Py.asText(new PyStr8(bytes("\377"))))
        .isInstanceOf(PickleTypeException.class);
  }
}
