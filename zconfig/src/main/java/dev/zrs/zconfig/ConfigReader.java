package dev.zrs.zconfig;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads a configuration in the ZConfig language into a {@link Document}. Safe for all threads. */
public final class ConfigReader {
  static final int MAX_FILE_BYTES = 4 * 1024 * 1024;

  private final Function<String, @Nullable String> environment;

  /** A reader in which {@code $(NAME)} stands for the variables of this process. */
  public ConfigReader() {
    this(System::getenv);
  }

  /**
   * A reader with another environment.
   *
   * @param environment gives null for a variable that is not set
   */
  public ConfigReader(Function<String, @Nullable String> environment) {
    this.environment = environment;
  }

  /**
   * Reads a file (UTF-8) and what it includes.
   *
   * @throws ConfigException if a file cannot be read or its text is not in the language
   */
  public Document read(Path file) {
    String text;
    try {
      text = readFile(file);
    } catch (IOException e) {
      throw new ConfigException("cannot read " + file + ": " + reason(e));
    }
    return read(file.toString(), text);
  }

  /**
   * Reads a text.
   *
   * @param fileName for messages, and the place that relative {@code %include} lines start from
   * @throws ConfigException if the text is not in the language
   */
  public Document read(String fileName, String text) {
    Parse parse = new Parse(environment);
    SectionBuilder root =
        new SectionBuilder("", Optional.empty(), new Location(fileName, 1), parse.imported());
    new Parser(parse, fileName, text, 0).parse(root);
    return new Document(root.build(), parse.imports);
  }

  static String readFile(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
      if (bytes.length > MAX_FILE_BYTES) {
        throw new IOException("it is larger than " + MAX_FILE_BYTES + " bytes");
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IOException("it is not UTF-8 text", e);
    }
  }

  static String reason(Exception e) {
    return switch (e) {
      case NoSuchFileException _ -> "there is no such file";
      case FileSystemException f when f.getReason() != null -> f.getReason();
      case InvalidPathException p -> p.getReason();
      default -> String.valueOf(e.getMessage());
    };
  }
}
