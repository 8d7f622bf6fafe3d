package dev.zrs.zconfig;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.testkit.PythonPeer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Our reading and the real ZConfig's give equal results, or both refuse. */
@Timeout(120)
class ZConfigComparisonTest {
  private static final String REFUSED = "-";

  private record Case(String kind, String text) {}

  private static final Map<String, DataType<?>> TYPES =
      Map.ofEntries(
          Map.entry("boolean", DataTypes.BOOLEAN),
          Map.entry("integer", DataTypes.INTEGER_NUMBER),
          Map.entry("float", DataTypes.FLOAT_NUMBER),
          Map.entry("byte-size", DataTypes.BYTE_SIZE),
          Map.entry("time-interval", DataTypes.TIME_INTERVAL),
          Map.entry("port-number", DataTypes.PORT_NUMBER),
          Map.entry("string-list", DataTypes.STRING_LIST),
          Map.entry("identifier", DataTypes.IDENTIFIER),
          Map.entry("dotted-name", DataTypes.DOTTED_NAME),
          Map.entry("inet-address", DataTypes.INET_ADDRESS),
          Map.entry("socket-address", DataTypes.SOCKET_ADDRESS),
          Map.entry("socket-binding-address", DataTypes.SOCKET_BINDING_ADDRESS),
          Map.entry("socket-connection-address", DataTypes.SOCKET_CONNECTION_ADDRESS),
          Map.entry("existing-directory", PathTypes.EXISTING_DIRECTORY),
          Map.entry("existing-path", PathTypes.EXISTING_PATH),
          Map.entry("existing-dirpath", PathTypes.EXISTING_DIRPATH));

  private static final Map<List<String>, List<String>> TEXTS =
      Map.of(
          List.of("boolean"),
          List.of("yes", "TRUE", "On", "no", "false", "oFF", "1", "0", "y", "", "tru", " true"),
          List.of("integer", "port-number", "time-interval", "byte-size", "float"),
          List.of(
              "0",
              "-0",
              "7",
              "-7",
              "+7",
              "007",
              "1_000",
              "1__0",
              "_1",
              "1_",
              " 5 ",
              "5 5",
              "",
              "x",
              "1.5",
              "1e3",
              "0x10",
              "65535",
              "65536",
              "-1",
              "\u0663",
              "--1",
              "+ 1",
              "1kb",
              "10KB",
              "10 MB",
              "3Gb",
              "mb",
              "kb1",
              "1.5mb",
              "-5kb",
              "5b",
              "1s",
              "2M",
              "3h",
              "4d",
              "5w",
              "m",
              "1_0h",
              "inf",
              "-Infinity",
              "nan",
              ".5",
              "5.",
              ".",
              "1e",
              "1e400",
              "1_0.0_1",
              "1._0"),
          List.of(
              "inet-address",
              "socket-address",
              "socket-binding-address",
              "socket-connection-address"),
          List.of(
              "8100",
              "localhost:8100",
              "LocalHost:8100",
              ":8100",
              "127.0.0.1:8100",
              "[::1]:8100",
              "[FE80::1]:8100",
              "::1",
              "fe80::1:8100",
              "[::1]",
              "localhost",
              "localhost:",
              ":",
              "",
              "a b",
              "a b:5",
              "/tmp/zeo.sock",
              "var/zeo.sock",
              "./z",
              "99999",
              "-1",
              "localhost:x",
              "localhost:-1",
              "localhost:65536",
              "[]:5",
              "[:5",
              "0",
              "host:0",
              "1_0"),
          List.of("string-list"),
          List.of("", "a", " a  b\tc ", "a\u00a0b", "a\u2003b"),
          List.of("identifier", "dotted-name"),
          List.of("a", "_a1", "1a", "a.b", "a..b", ".a", "a.b.c_1", "", "a-b", "\u00e9"),
          List.of("existing-directory", "existing-path", "existing-dirpath"),
          List.of(
              "/",
              "/tmp",
              "/tmp/",
              "/tmp/no-such-file",
              "/no-such-dir/x",
              "/no-such-dir/",
              "x",
              "",
              "~",
              "~/no-such-file",
              "~/no-such-dir/x",
              "/etc/passwd",
              "/etc/passwd/",
              "."));

  private static final List<String> VALUES =
      List.of(
          "$a",
          "$A",
          "${a}",
          "${A}b",
          "$ab",
          "$a.b",
          "$$",
          "$$a",
          "$$$a",
          "$",
          "a$",
          "$1",
          "${a",
          "${}",
          "$(",
          "$()",
          "$(HOME)",
          "$(home)",
          "$(NO_SUCH_VARIABLE_1)",
          "$(HOME",
          "$b",
          "$none",
          "x ${a} y $(HOME) z",
          "$a$b",
          "$$(HOME)",
          "a # no comment",
          "\u00e9$a");

  private static final List<String> DOCUMENTS =
      List.of(
          "",
          "# nothing\n\n  # more",
          "<ZEO>\n Address 8100\r\n</zeo>\r\n",
          "<zeo Name>\n</zeo>",
          "<zeo Name/>\nkey value",
          "<zeo/>",
          "<zeo />",
          "<zeo a b>\n</zeo>",
          "< zeo>\n</zeo>",
          "<zeo >\n</zeo >",
          "<zeo>\n</ zeo>",
          "<zeo>\n</zoe>",
          "<zeo>",
          "</zeo>",
          "<zeo",
          "<zeo>\n</zeo",
          "<>\n</>",
          "</>",
          "<a>\n<b>\nk v\n</b>\n<c/>\nk2 v\n</a>",
          "<a>\n<b>\n</a>\n</b>",
          "<a(b)>\n</a(b)>",
          "key",
          "key(x",
          "(key x",
          "key)",
          "1key x",
          "k_e-y.1 x",
          "k\u00e9y x",
          "key\tvalue  with   spaces \t",
          "key\u00a0value",
          "key v1\nkey v2\nKEY v3",
          "\ufeffkey value",
          "%define a 1\n%define a 1\nk $a",
          "%define a 1\n%define a 2",
          "%define a\nk [$a]",
          "%define a x y  z\nk $a",
          "%define a 1\n%define b $a\n%define b $a",
          "%define 1a 1",
          "%define a-b 1",
          "%define",
          "%define $a 1",
          "%DEFINE a 1",
          "% define a 1",
          "%",
          "%undefine a",
          "%import zc.zrs\n%import zc.zrs",
          "%define p zc\n%import $p.zrs",
          "%import",
          "<a>\n%import zc.zrs\n%define x 1\n</a>\nk $x");

  @Test
  void dataTypesAndDocumentsAreReadAsZConfigReadsThem(@TempDir Path directory) throws IOException {
    List<Case> cases = cases();
    List<String> lines =
        cases.stream()
            .map(c -> c.kind() + "\t" + HexFormat.of().formatHex(c.text().getBytes(UTF_8)))
            .toList();
    Path input = Files.write(directory.resolve("cases"), lines);
    byte[] output =
        PythonPeer.current().run(ZConfigComparisonTest.class, "evaluate.py", input.toString());
    List<String> expected =
        new String(output, UTF_8).lines().map(ZConfigComparisonTest::unhex).toList();

    assertThat(expected).hasSameSizeAs(cases);
    assertThat(
            Stream.iterate(0, i -> i < cases.size(), i -> i + 1)
                .map(i -> cases.get(i) + " -> " + evaluate(cases.get(i))))
        .containsExactlyElementsOf(
            Stream.iterate(0, i -> i < cases.size(), i -> i + 1)
                .map(i -> cases.get(i) + " -> " + expected.get(i))
                .toList());
  }

  private static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    TEXTS.forEach(
        (kinds, texts) -> kinds.forEach(k -> texts.forEach(t -> cases.add(new Case(k, t)))));
    VALUES.forEach(
        v -> cases.add(new Case("document", "%define a one\n%define B $a/two\nkey " + v)));
    DOCUMENTS.forEach(text -> cases.add(new Case("document", text)));
    return cases;
  }

  private static String unhex(String result) {
    return result.equals(REFUSED) ? REFUSED : new String(HexFormat.of().parseHex(result), UTF_8);
  }

  private static String evaluate(Case c) {
    try {
      if (c.kind().equals("document")) {
        return show(new ConfigReader().read("/zeo.conf", c.text()));
      }
      DataType<?> type = Objects.requireNonNull(TYPES.get(c.kind()), c.kind());
      return show(type.parse(c.text()));
    } catch (ConfigException e) {
      assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
      return REFUSED;
    }
  }

  private static String show(Object value) {
    return switch (value) {
      case Address.Unix unix -> "unix " + unix.path();
      case Address.Inet inet -> "inet " + inet.host() + " " + port(inet.port());
      case List<?> words -> String.join("|", words.stream().map(String.class::cast).toList());
      case Double number -> bits(number);
      default -> value.toString();
    };
  }

  private static String port(OptionalInt port) {
    return port.isPresent() ? Integer.toString(port.getAsInt()) : "None";
  }

  private static String bits(double number) {
    return Double.isNaN(number)
        ? "nan"
        : HexFormat.of().toHexDigits(Double.doubleToRawLongBits(number));
  }

  private static String show(Document document) {
    List<String> lines = new ArrayList<>();
    show(document.root(), lines);
    document.imports().forEach(imported -> lines.add("import " + imported.packageName()));
    return String.join("\n", lines);
  }

  /** Keys and sections in the order of the lines, as the parser meets them. */
  private static void show(Section section, List<String> lines) {
    lines.add("<" + section.type() + " " + section.name().orElse("None"));
    record Item(int line, List<String> shown) {}
    List<Item> items = new ArrayList<>();
    for (Key key : section.keys()) {
      items.add(new Item(key.location().line(), List.of(key.name() + "=" + key.value())));
    }
    for (Section inner : section.sections()) {
      List<String> shown = new ArrayList<>();
      show(inner, shown);
      shown.add(">");
      items.add(new Item(inner.location().line(), shown));
    }
    items.stream()
        .sorted(Comparator.comparingInt(Item::line))
        .forEach(item -> lines.addAll(item.shown()));
  }
}
