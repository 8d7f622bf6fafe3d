package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class RemovedClassesTest {
  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String name(String pickle) {
    byte[] within = latin1("xx" + pickle + ".....");
    return new RemovedClasses().nameOf(within, 2, pickle.length());
  }

  @Test
  void the_class_is_found_in_every_form_of_record() {
    assertThat(name("\200\003cm.n\nA\nq\0.N.")).isEqualTo("m.n.A");
    assertThat(name("\200\003cm.n\nA\n.N.")).isEqualTo("m.n.A");
    assertThat(name("\200\003cm.n\nA\nq\0)\206.N.")).isEqualTo("m.n.A");
    assertThat(name("\200\003cm.n\nA\nq\0N\206.N.")).isEqualTo("m.n.A");
    assertThat(name("(cm.n\nA\nNt.N.")).isEqualTo("m.n.A");
    assertThat(name("\200\003cm.n\nA")).isEqualTo("?");
    assertThat(name("")).isEqualTo("?");
    assertThat(name("no pickle")).isEqualTo("?");
  }

  @Test
  void memory_is_bounded_and_the_largest_come_first() {
    RemovedClasses classes = new RemovedClasses();
    for (int i = 0; i < 10 * RemovedClasses.MAX_CLASSES; i++) {
      byte[] record = latin1("\200\003cm\nC" + i + "\nq\0.N.");
      assertThat(classes.nameOf(record, 0, record.length)).isEqualTo("m.C" + i);
      classes.add("m.C" + i, 1000 + i);
    }
    assertThat(classes.largest(20_000)).hasSize(RemovedClasses.MAX_CLASSES + 1);
    assertThat(classes.largest(2).getFirst())
        .satisfies(
            each -> {
              assertThat(each.className()).isEqualTo("others");
              assertThat(each.records()).isEqualTo(9L * RemovedClasses.MAX_CLASSES);
            });
    assertThat(classes.largest(2).getLast().className())
        .isEqualTo("m.C" + (RemovedClasses.MAX_CLASSES - 1));
  }
}
