package dev.zrs.pickle;

import static dev.zrs.pickle.HostilePicklesTest.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordReferencesTest {
  private static final String CLASS = "\200\003cm.n\nA\nq\000.";
  private static final String OID = "C\010\0\0\0\0\0\0\1\2";

  private static List<Long> references(String record) {
    List<Long> found = new ArrayList<>();
    RecordReferences.of(bytes(record), found::add);
    return found;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\200\003" + OID + "Q.",
        "\200\003" + OID + "cm.n\nA\n\206Q.",
        "(" + "U\010\0\0\0\0\0\0\1\2cm.n\nA\ntQ.",
        "\200\003N(X\1\0\0\0w" + OID + "\205lQ\206" + OID + "Q\206."
      })
  void strong_references_are_found_in_all_forms(String state) {
    assertThat(references(CLASS + state)).containsExactly(0x102L);
  }

  @Test
  void references_of_the_class_pickle_count_too_and_are_told_as_often_as_they_stand_there() {
    String state = "\200\003" + OID + "Q" + OID + "Q\206.";
    assertThat(references(state + state)).containsExactly(0x102L, 0x102L, 0x102L, 0x102L);
    assertThat(references(CLASS + "Pabcdefgh\n.")).containsExactly(0x6162636465666768L);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "\200\003C\2abQ.", "\200\003)Q.", "\200\003NQ.", "\200\003K\1Q.", "\200\003N"})
  void what_is_no_reference_or_no_pickle_is_refused(String state) {
    assertThatThrownBy(() -> references(CLASS + state)).isInstanceOf(PickleException.class);
  }
}
