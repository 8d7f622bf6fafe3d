package dev.zrs.pickle;

import static dev.zrs.pickle.HostilePicklesTest.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordPicklesTest {
  private static final String STATE = "\200\003}q\001.";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\200\003cm.n\nA\nq\000.",
        "cm.n\nA\n.",
        "\200\002(cm.n\nA\nq\001Nt.",
        "\200\003cm.n\nA\nq\000)\206q\001.",
        "((U\003m.nU\001AtNt.",
        "((S'm.n'\nS'A'\ntNt.",
        "\200\003X\003\0\0\0m.nX\001\0\0\0A\206N\206.",
        "(U\003m.nU\001At.",
        "cm.n\nA\n\205.",
        "(cm.n\nA\n)}t."
      })
  void the_class_is_found_in_all_forms(String metadata) {
    assertThat(RecordPickles.classOf(bytes(metadata + STATE))).contains(new PyGlobal("m.n", "A"));
  }

  @Test
  void the_name_of_a_class_is_not_translated() {
    assertThat(RecordPickles.classOf(bytes("cUserDict\nUserDict\n." + STATE)))
        .contains(new PyGlobal("UserDict", "UserDict"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "x", "N.", ").", "(NNt.", "((NNtNt.", "cm\nA\n", "\200\003cm\nA\n)R."})
  void an_unreadable_or_unknown_form_has_no_class(String metadata) {
    assertThat(RecordPickles.classOf(bytes(metadata))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\200\003cZODB.blob\nBlob\nq\000.",
        "\200\002cZODB.blob\nBlob\n.",
        "cZODB.blob\nBlob\n.",
        "\200\004\225\026\0\0\0\0\0\0\0\214\011ZODB.blob\224\214\004Blob\224\223\224."
      })
  void a_blob_is_recognised(String metadata) {
    byte[] record = bytes("xx" + metadata + "\200\003N.");
    assertThat(RecordPickles.isBlob(bytes(metadata + "\200\003N."))).isTrue();
    assertThat(RecordPickles.isBlob(record, 2, record.length - 2)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "c",
        "\200",
        "\200\003",
        "\200\004",
        "\200\003cZODB.blob\nBlob\n",
        "\200\003cZODB.blob\nBlob2\n.",
        "\200\003cZODB.blob\nBlob\n)R.",
        "\200\003cZODB.blob\nBlob\n)\206.",
        "\200\003cm\nA\n.\200\003X\017\0\0\0cZODB.blob\nBlob\n."
      })
  void all_else_is_no_blob(String record) {
    assertThat(RecordPickles.isBlob(bytes(record))).isFalse();
  }

  @Test
  void theClassOfALongRecordIsToldFromItsStart() {
    String name = "N".repeat(2_000);
    byte[] record = bytes("\200\003cm\n" + name + "\n." + STATE + "x".repeat(100_000));
    byte[] transformed = RecordForm.hexed(RecordForm.compressed(record));
    PyGlobal type = new PyGlobal("m", name);
    assertThat(RecordPickles.classOf(transformed)).contains(type);
    byte[] cut = Arrays.copyOf(transformed, transformed.length * 9 / 10);
    assertThat(RecordPickles.classOf(cut)).contains(type);
  }

  @Test
  void blobsAreToldInOtherForms() {
    byte[] blob = bytes("\200\003cZODB.blob\nBlob\n.\200\003N." + " ".repeat(100));
    byte[] other = bytes("\200\003cZODB.blob\nBlob2\n.\200\003N." + " ".repeat(100));
    assertThat(RecordPickles.isBlob(RecordForm.compressed(blob))).isTrue();
    assertThat(RecordPickles.isBlob(RecordForm.compressed(other))).isFalse();
    byte[] within =
        bytes("xx" + new String(RecordForm.hexed(blob), StandardCharsets.ISO_8859_1) + "x");
    assertThat(RecordPickles.isBlob(within, 2, within.length - 3)).isTrue();
  }
}
