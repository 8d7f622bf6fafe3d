package dev.zrs.server.role;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.zconfig.Address;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RoleFileTest {
  private static final Instant WRITTEN = Instant.parse("2024-01-01T00:00:00Z");
  private static final Optional<Address> CONFIGURED = Optional.of(RoleFile.address("one:8101"));

  @TempDir private Path directory = Path.of("unset");

  private RoleFile file() {
    return new RoleFile(directory.resolve("Data.fs"));
  }

  @Test
  void what_was_written_is_read() {
    assertThat(file().read()).isEmpty();
    for (Role role :
        new Role[] {new Role.Primary(), new Role.Secondary(RoleFile.address("[::1]:8101"))}) {
      file().write(role, CONFIGURED, WRITTEN);
      assertThat(file().read())
          .contains(
              new RoleFile.Entry(
                  role, Optional.of("one:8101"), "2024-01-01T00:00:00Z", Optional.empty()));
    }
    assertThat(file().clear()).isTrue();
    assertThat(file().clear()).isFalse();
    assertThat(file().read()).isEmpty();
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void a_copy_of_a_promoted_server_does_not_become_primary() throws IOException {
    file().write(new Role.Primary(), CONFIGURED, WRITTEN);
    assertThat(RoleDecision.decide("1", CONFIGURED, "zeo.conf, line 3", file()))
        .isEqualTo(new Role.Primary());
    Path copied = directory.resolve("copy.role");
    Files.copy(file().path(), copied);
    RoleFile copy = new RoleFile(directory.resolve("copy"));
    assertThat(copy.read().orElseThrow().copiedFrom().orElseThrow())
        .startsWith(file().path() + " at ");
    assertThatThrownBy(() -> RoleDecision.decide("1", CONFIGURED, "zeo.conf, line 3", copy))
        .isInstanceOf(RoleException.class)
        .hasMessageContainingAll(
            "copied from another server", "zeo.conf, line 3", copied.toString(), "--clear");
    // Without what it would take over from, there is nothing to decide.
    assertThat(RoleDecision.decide("1", Optional.empty(), "zeo.conf, line 3", copy))
        .isEqualTo(new Role.Primary());
    assertThat(copied).doesNotExist();
  }

  @Test
  void a_copy_of_a_secondary_follows_the_same_one() throws IOException {
    Role secondary = new Role.Secondary(RoleFile.address("two:8101"));
    file().write(secondary, CONFIGURED, WRITTEN);
    Files.copy(file().path(), directory.resolve("copy.role"));
    RoleFile copy = new RoleFile(directory.resolve("copy"));
    assertThat(RoleDecision.decide("1", CONFIGURED, "zeo.conf, line 3", copy)).isEqualTo(secondary);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\0\u00ff\u00fe",
        "role: king\n",
        "role: secondary\n",
        "role: secondary\nupstream: host\n"
      })
  void a_damaged_one_is_named(String content) throws IOException {
    Files.write(file().path(), content.getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(file()::read)
        .isInstanceOf(RoleException.class)
        .hasMessageContainingAll(file().path().toString(), "is damaged", "zrs role --clear");
  }

  @Test
  void one_that_can_not_be_written_leaves_the_old_one() throws IOException {
    file().write(new Role.Primary(), CONFIGURED, WRITTEN);
    Files.createDirectory(directory.resolve("Data.fs.role.new"));
    assertThatThrownBy(
            () -> file().write(new Role.Secondary(RoleFile.address("two:1")), CONFIGURED, WRITTEN))
        .isInstanceOf(RoleException.class)
        .hasMessageContaining("can't be written");
    assertThat(file().read().orElseThrow().role()).isEqualTo(new Role.Primary());
  }
}
