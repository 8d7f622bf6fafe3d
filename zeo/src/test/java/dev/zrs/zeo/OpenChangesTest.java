package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class OpenChangesTest {
  @Test
  void tooManyAreRefusedUntilSomeAreGone() {
    OpenChanges changes = new OpenChanges(2);
    changes.add();
    changes.add();
    assertThatThrownBy(changes::add)
        .isInstanceOf(RequestException.class)
        .hasMessageContaining("more than 2 changes");
    assertThat(changes.count()).isEqualTo(2);
    changes.remove(1);
    changes.add();
    assertThat(changes.count()).isEqualTo(2);
  }
}
