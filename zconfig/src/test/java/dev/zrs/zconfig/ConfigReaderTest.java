package dev.zrs.zconfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ConfigReaderTest {
  private final ConfigReader reader = new ConfigReader(Map.of("PORT", "8100")::get);
  @TempDir private Path directory;

  @Test
  void keysAndSectionsKnowTheirLines() {
    Document document = reader.read("zeo.conf", "\n<zeo>\n  # port\n  address $(PORT)\n</zeo>\n");

    Section zeo = document.root().sections().getFirst();
    assertThat(zeo.location()).isEqualTo(new Location("zeo.conf", 2));
    assertThat(zeo.keys()).containsExactly(new Key("address", "8100", new Location("zeo.conf", 4)));
  }

  @Test
  void aSectionKnowsTheImportsBeforeIt() {
    Document document = reader.read("zeo.conf", "<a/>\n%import zc.zrs\n<b/>\n%import other\n");

    assertThat(document.root().sections())
        .extracting(Section::imports)
        .extracting(Object::toString)
        .containsExactly("[]", "[zc.zrs]");
    assertThat(document.imports())
        .containsExactly(
            new Document.Import("zc.zrs", new Location("zeo.conf", 2)),
            new Document.Import("other", new Location("zeo.conf", 4)));
  }

  @Test
  void anIncludedFileSharesDefinitionsAndAddsToTheOpenSection() throws IOException {
    write("zeo.conf", "<zeo>\n%define port 8100\n%include conf.d/my%20port.conf\n</zeo>\nk $later");
    Path included = write("conf.d/my port.conf", "address $port\n%define later 1\n");

    Document document = reader.read(directory.resolve("zeo.conf"));

    assertThat(document.root().keys()).extracting(Key::value).containsExactly("1");
    assertThat(document.root().sections().getFirst().keys())
        .containsExactly(new Key("address", "8100", new Location(included.toString(), 1)));
  }

  @Test
  void anIncludeCanBeAnAbsolutePathOrAFileUrl() throws IOException {
    Path included = write("inner.conf", "k v\n");
    String text = "%%include %s\n%%include %s\n".formatted(included, included.toUri());

    assertThat(reader.read("zeo.conf", text).root().keys()).hasSize(2);
  }

  @Test
  void anErrorInAnIncludedFileNamesThatFile() throws IOException {
    write("zeo.conf", "%include inner.conf\n");
    Path included = write("inner.conf", "\n<zeo>\n");

    assertThatThrownBy(() -> reader.read(directory.resolve("zeo.conf")))
        .isInstanceOf(ConfigException.class)
        .hasMessage(included + ", line 2: <zeo> is not closed with </zeo>");
  }

  @Test
  void aFileThatIncludesItselfIsAnError() throws IOException {
    Path file = write("zeo.conf", "%include zeo.conf\n%include zeo.conf\n");

    assertThatThrownBy(() -> reader.read(file))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            file + ", line 1: %include goes deeper than 50 files; does a file include itself?");
  }

  @Test
  void definitionsThatDoubleEndAtALimit() {
    StringBuilder text = new StringBuilder("%%define a0 %010d\n".formatted(0));
    for (int i = 1; i < 60; i++) {
      text.append("%%define a%d $a%d$a%d\n".formatted(i, i - 1, i - 1));
    }

    assertThatThrownBy(() -> reader.read("zeo.conf", text.toString()))
        .isInstanceOf(ConfigException.class)
        .hasMessage("zeo.conf, line 14: %define a13: the value is longer than 65536 characters");
  }

  @Test
  void aFileThatIsMissingOrNoTextIsAnError() throws IOException {
    Path missing = directory.resolve("none.conf");
    assertThatThrownBy(() -> reader.read(missing))
        .isInstanceOf(ConfigException.class)
        .hasMessage("cannot read " + missing + ": there is no such file");

    Path binary = Files.write(directory.resolve("binary.conf"), new byte[] {(byte) 0xff, 0});
    assertThatThrownBy(() -> reader.read(binary))
        .isInstanceOf(ConfigException.class)
        .hasMessage("cannot read " + binary + ": it is not UTF-8 text");

    assertThatThrownBy(() -> reader.read(directory))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("cannot read " + directory + ": ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<zeo>;</zoe>|line 2: </zoe> stands where <zeo> of line 1 must be closed first",
        "</zeo>|line 1: </zeo> closes a section that is not open here",
        "<zeo|line 1: the section start '<zeo' does not end with '>'",
        "<a b c>|line 1: '<a b c>' is not a section start such as <type> or <type name>",
        "(x|line 1: '(x' is not a key, a section or a comment",
        "9x y|line 1: '9x' is not a key: it needs a letter, then letters, digits, '-._'",
        "%undo|line 1: %undo is not one of %define, %import, %include",
        "%define|line 1: %define needs an argument",
        "%define a 1;%define a 2|line 2: %define a gives another value than before",
        "k $b|line 1: k: '$b' is not defined (use %define before it)",
        "k $(NONE)|line 1: k: the environment variable NONE is not set",
        "k ${a|line 1: k: '${a' in '${a' has no '}'",
        "k 5$|line 1: k: a '$' in '5$' is not followed by a name (write '$$' for a '$')",
        "%include none|line 1: cannot include 'none': there is no such file",
        "%include http://x/y|line 1: %include 'http://x/y': only files can be included",
        "%include a#b|line 1: %include 'a#b': a '#' part is not supported",
      })
  void anErrorSaysWhereAndWhat(String text, String message) {
    assertThatThrownBy(() -> reader.read("zeo.conf", text.replace(';', '\n')))
        .isInstanceOf(ConfigException.class)
        .hasMessage("zeo.conf, " + message);
  }

  private Path write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }
}
