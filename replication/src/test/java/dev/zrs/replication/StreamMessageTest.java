package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.Unpickler;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class StreamMessageTest {
  private static final byte[] TID = new Tid(5).toBytes();
  private static final byte[] OID = new Oid(7).toBytes();

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static StreamMessage parsed(PickleWriter writer, String type, Object... fields) {
    return StreamMessage.parse(writer.write(PyTuple.of(type, PyTuple.of(fields))).toByteArray());
  }

  @Test
  void a_transaction_of_a_Python_2_primary_is_read() {
    StreamMessage message =
        StreamMessage.parse(
            latin1("(U\u0001T(U\u0008\0\0\0\0\0\0\0\u0005U\u0001pU\u0002\u00c3\u00a9U\u0000}tt."));
    assertThat(message)
        .isInstanceOfSatisfying(
            StreamMessage.Begin.class,
            begin -> {
              assertThat(begin.tid()).isEqualTo(new Tid(5));
              assertThat(begin.status()).isEqualTo('p');
              assertThat(begin.metadata().user()).isEqualTo(latin1("\u00c3\u00a9"));
              assertThat(begin.metadata().description()).isEmpty();
              assertThat(begin.metadata().extension()).isEmpty();
            });
  }

  @Test
  void text_and_bytes_of_any_protocol_mean_the_same() {
    PyDict extension = new PyDict();
    extension.put("a", 1L);
    byte[] pickled = PickleWriter.memoized(3).write(extension).toByteArray();
    for (PickleWriter writer :
        new PickleWriter[] {PickleWriter.zrs(), PickleWriter.zeo(), PickleWriter.memoized(3)}) {
      assertThat(parsed(writer, "T", TID, " ", "\u00e9", new byte[] {'x'}, extension))
          .isInstanceOfSatisfying(
              StreamMessage.Begin.class,
              begin -> {
                assertThat(begin.metadata().user()).isEqualTo(latin1("\u00c3\u00a9"));
                assertThat(begin.metadata().description()).isEqualTo(latin1("x"));
                assertThat(begin.metadata().extension()).isEqualTo(pickled);
              });
    }
  }

  @Test
  void an_extension_that_is_an_object_is_kept_as_data() {
    byte[] pickled = latin1("\u0080\u0003cmodule\nDict\nq\0)Rq\1X\2\0\0\0abq\2K\1s.");
    Object object = Unpickler.load(pickled);
    assertThat(parsed(PickleWriter.zrs(), "T", TID, " ", "", "", object))
        .isInstanceOfSatisfying(
            StreamMessage.Begin.class,
            begin -> assertThat(begin.metadata().extension()).isEqualTo(pickled));
  }

  @Test
  void records_with_and_without_blob() {
    assertThat(parsed(PickleWriter.zrs(), "S", OID, TID, "", PyNone.NONE))
        .isEqualTo(new StreamMessage.RecordHeader(new Oid(7), new Tid(5), null, -1));
    assertThat(parsed(PickleWriter.zrs(), "S", OID, TID, new byte[0], new Tid(4).toBytes()))
        .isEqualTo(new StreamMessage.RecordHeader(new Oid(7), new Tid(5), new Tid(4), -1));
    assertThat(parsed(PickleWriter.zrs(), "B", OID, TID, "", PyNone.NONE, 1L << 40))
        .isEqualTo(new StreamMessage.RecordHeader(new Oid(7), new Tid(5), null, 1L << 40));
  }

  @Test
  void a_record_in_a_version_is_refused() {
    assertThatThrownBy(() -> parsed(PickleWriter.zrs(), "S", OID, TID, "draft", PyNone.NONE))
        .isInstanceOf(ReplicationException.class)
        .hasMessageContaining("version");
  }

  @Test
  void an_extension_that_grows_out_of_proportion_is_refused() {
    // Thirty lists of two, each twice in the next: 2^30 values, if written without a memo.
    StringBuilder nested = new StringBuilder("]q\u0000");
    for (int i = 1; i <= 30; i++) {
      nested.append("0](h").append((char) (i - 1)).append('h').append((char) (i - 1)).append('e');
      nested.append('q').append((char) i);
    }
    String message =
        "(X\u0001\0\0\0T(U\u0008\0\0\0\0\0\0\0\u0005X\u0001\0\0\0 U\0U\0}X\u0001\0\0\0a";
    // The receiver writes it with a memo, so it is as small as it came.
    assertThat(StreamMessage.parse(latin1(message + nested + "stt.")))
        .isInstanceOfSatisfying(
            StreamMessage.Begin.class,
            begin -> assertThat(begin.metadata().extension()).hasSizeLessThan(1_000));
    byte[] many = latin1("(" + "N".repeat(200_001) + "t.");
    assertThatThrownBy(() -> StreamMessage.parse(many))
        .isInstanceOf(ReplicationException.class)
        .hasMessageContaining("more than 200000 values");
  }
}
