package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class EncodingTest {
  private static byte[] written(MessageWriter out) {
    return Arrays.copyOf(out.buffer(), out.size());
  }

  private static Object msgpack(String hex) {
    byte[] message = HexFormat.of().parseHex(hex);
    return Encoding.MSGPACK.decode(message, 0, message.length);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsWrittenIsReadAgain(Encoding encoding) {
    BigInteger large = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    byte[] chunk = new byte[70_000];
    PyDict dict = PyDict.ofPairs("one", 1L, "two", large);
    MessageWriter out = encoding.newWriter();
    for (int i = 0; i < 2; i++) {
      out.reset();
      Messages.reply(
          out,
          PyTuple.of(1L, 2L),
          PyTuple.of(
              PyNone.NONE, true, -7L, 1.5, "text \u00e9", chunk, new PyList(List.of(1L)), dict));
    }
    byte[] message = written(out);

    PyTuple parts = Py.asTuple(encoding.decode(message, 0, message.length), 4);

    assertThat(Py.asTuple(parts.get(0)).items()).containsExactly(1L, 2L);
    assertThat(parts.get(1)).isEqualTo(0L);
    assertThat(parts.get(2)).isEqualTo(".reply");
    PyTuple value = Py.asTuple(parts.get(3), 8);
    assertThat(value.items().subList(0, 6))
        .containsExactly(PyNone.NONE, true, -7L, 1.5, "text \u00e9", chunk);
    assertThat(Py.asSequence(value.get(6))).containsExactly(1L);
    assertThat(Py.asDict(value.get(7)).get("two")).isEqualTo(large);
  }

  @ParameterizedTest
  @EnumSource
  void theUsualLoadIsRecognisedAndReadAlike(Encoding encoding) {
    LoadRequest form = encoding.loadRequest();
    byte[] message = form.of(0x0102030405060708L, -2);

    assertThat(form.matches(message, 0, message.length)).isTrue();
    assertThat(form.oid(message, 0))
        .isEqualTo(form.idOid(message, 0))
        .isEqualTo(0x0102030405060708L);
    assertThat(form.tid(message, 0)).isEqualTo(form.idTid(message, 0)).isEqualTo(-2);
    Request request = Objects.requireNonNull(Request.decode(encoding, message, 0, message.length));
    assertThat(request.method()).isEqualTo("loadBefore");
    assertThat(request.oid(0).value()).isEqualTo(0x0102030405060708L);
    assertThat(request.tid(1).value()).isEqualTo(-2);
    for (int i = 0; i < message.length; i++) {
      byte[] other = message.clone();
      other[i] ^= 0x40;
      boolean number =
          form.oid(other, 0) != form.oid(message, 0)
              || form.tid(other, 0) != form.tid(message, 0)
              || form.idOid(other, 0) != form.idOid(message, 0)
              || form.idTid(other, 0) != form.idTid(message, 0);
      assertThat(form.matches(other, 0, other.length)).as("byte %d", i).isEqualTo(number);
    }
  }

  @Test
  void msgpackSaysNoToWhatItHasNoFormFor() {
    MessageWriter out = Encoding.MSGPACK.newWriter();

    assertThatThrownBy(() -> out.value(new PyGlobal("os", "system")))
        .isInstanceOf(PickleException.class);
    assertThatThrownBy(() -> out.value(BigInteger.ONE.shiftLeft(64)))
        .isInstanceOf(PickleException.class);
    PyList itself = new PyList();
    itself.items().add(itself);
    assertThatThrownBy(() -> out.value(itself)).isInstanceOf(PickleException.class);
  }

  @Test
  void msgpackDoesNotUnfoldWithoutEnd() {
    PyList doubled = new PyList();
    for (int i = 0; i < 40; i++) {
      doubled = new PyList(List.of(doubled, doubled));
    }
    PyList value = doubled;
    assertThatThrownBy(() -> Encoding.MSGPACK.newWriter().value(value))
        .isInstanceOf(PickleException.class)
        .hasMessageContaining("without end");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", // nothing
        "c1", // a byte that is never used
        "9401", // an end in the midst
        "94010203", // the same
        "0102", // something behind it
        "dd7fffffff01", // many values announced
        "df7fffffff0101", // many pairs announced
        "dfffffffff", // more than an int can say
        "c67fffffff00", // much announced
        "a2c328", // no UTF-8
        "d6ff00000000", // a time stamp, an extension type
        "810102", // a key that is a number
      })
  void msgpackThatIsNoGoodIsAProtocolViolation(String hex) {
    assertThatThrownBy(() -> msgpack(hex)).isInstanceOf(ProtocolException.class);
  }

  @Test
  void arraysWithinArraysCostNoMoreThanTheyAre() {
    byte[] message = new byte[5 * 900 + 4_000_000];
    for (int i = 0; i < 900; i++) {
      // Each announces a million values.
      message[5 * i] = (byte) 0xdd;
      message[5 * i + 2] = 0x0f;
    }
    // One after the other, each would cost megabytes, together gigabytes.
    assertThatThrownBy(() -> Encoding.MSGPACK.decode(message, 0, message.length))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("more than 200000 values");
  }

  @Test
  void msgpackHasADepthLimit() {
    byte[] message = new byte[100_000];
    Arrays.fill(message, (byte) 0x91);
    assertThatThrownBy(() -> Encoding.MSGPACK.decode(message, 0, message.length))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("levels");
  }

  @Test
  void greetingsNameTheEncoding() {
    assertThat(Encoding.of("Z5")).contains(Encoding.PICKLE);
    assertThat(Encoding.of("M5")).contains(Encoding.MSGPACK);
    assertThat(Encoding.of("Z4")).isEmpty();
    assertThat(new String(Encoding.MSGPACK.greeting(), StandardCharsets.US_ASCII)).isEqualTo("M5");
  }
}
