package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyInstance;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import org.junit.jupiter.api.Test;

/** What is stored for the extension that a client says. */
final class ExtensionTest {
  private static final PyGlobal DICT = new PyGlobal("builtins", "dict");

  private static byte[] pickled(Object value) {
    return PickleWriter.memoized(3).write(value).toByteArray();
  }

  private static PyInstance called(PyGlobal type, Object... arguments) {
    return new PyInstance(PyInstance.Kind.REDUCE, type, PyTuple.of(arguments));
  }

  @Test
  void nothingIsStoredAsNothing() {
    assertThat(Extension.stored(new PyDict())).isEmpty();
    assertThat(Extension.stored(PyNone.NONE)).isEmpty();
    assertThat(Extension.stored(called(DICT, PyTuple.of()))).isEmpty();
  }

  @Test
  void dictOfPairsIsTheDict() {
    PyDict meant = new PyDict();
    meant.put("a", 1L);
    meant.put("b", PyTuple.of(2L));
    PyTuple pairs = PyTuple.of(PyTuple.of("a", 1L), PyTuple.of("b", PyTuple.of(2L)));
    assertThat(Extension.stored(called(DICT, pairs))).isEqualTo(pickled(meant));
    assertThat(Extension.stored(called(new PyGlobal("__builtin__", "dict"), pairs)))
        .isEqualTo(pickled(meant));
  }

  @Test
  void anyOtherCallStaysWhatItIs() {
    PyTuple pairs = PyTuple.of((Object) PyTuple.of("a", 1L));
    PyInstance[] others = {
      called(new PyGlobal("os", "system"), pairs),
      called(DICT, pairs, pairs),
      called(DICT),
      called(DICT, PyTuple.of("a", 1L)),
      called(DICT, PyTuple.of((Object) PyTuple.of("a"))),
      called(DICT, "a"),
    };
    for (PyInstance other : others) {
      assertThat(Extension.stored(other)).isEqualTo(pickled(other));
    }
  }
}
