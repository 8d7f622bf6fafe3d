package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PrintableTest {
  @Test
  void textOfClientsIsOneLineOfTheLog() {
    assertThat(Printable.of("Zope 1 (ä中\ud83d\ude00)")).isEqualTo("Zope 1 (ä中\ud83d\ude00)");
    assertThat(Printable.of("a\n2026 CRITICAL b\r\t\0\u001b[2J\u007f\u0085\u2028"))
        .isEqualTo("a?2026 CRITICAL b????[2J???");
    assertThat(Printable.of("\ud83d x \ude00")).isEqualTo("? x ?");
    assertThat(Printable.of("x".repeat(1_000_000))).isEqualTo("x".repeat(500) + "...");
    assertThat(Printable.of("x".repeat(499) + "\ud83d\ude00")).isEqualTo("x".repeat(499) + "?...");
  }
}
