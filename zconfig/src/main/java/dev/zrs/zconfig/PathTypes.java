package dev.zrs.zconfig;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Predicate;

/**
 * The data types of ZConfig for paths. They look at the disk when the value is read; a leading
 * {@code ~} or {@code ~/} stands for $HOME ({@code ~user} is not expanded). Relative paths count
 * from the working directory.
 */
public final class PathTypes {
  /** A directory that exists. */
  public static final DataType<String> EXISTING_DIRECTORY =
      checked(path -> !isEmpty(path) && Files.isDirectory(path), "is not an existing directory");

  /** A file or directory that exists. */
  public static final DataType<String> EXISTING_PATH =
      checked(path -> !isEmpty(path) && Files.exists(path), "does not exist");

  /** A path whose directory exists; the file itself need not. */
  public static final DataType<String> EXISTING_DIRPATH =
      checked(
          path -> path.getParent() == null || Files.isDirectory(path.getParent()),
          "is in a directory that does not exist");

  private PathTypes() {}

  /**
   * A type for paths that a test accepts.
   *
   * @param refusal the rest of the sentence that begins with the path
   */
  public static DataType<String> checked(Predicate<Path> test, String refusal) {
    return text -> {
      try {
        String expanded = expandUser(text);
        // A path that ends with a slash names what is in the directory, as os.path.dirname has it.
        Path path = Path.of(expanded.endsWith("/") ? expanded + "." : expanded);
        if (!test.test(path)) {
          throw new BadValueException("the path " + Text.quote(text) + " " + refusal);
        }
        return expanded;
      } catch (InvalidPathException e) {
        throw new BadValueException(Text.quote(text) + " is not a path: " + e.getReason());
      }
    };
  }

  /** Java takes the empty path for the working directory; ZConfig does not. */
  private static boolean isEmpty(Path path) {
    return path.toString().isEmpty();
  }

  private static String expandUser(String text) {
    if (!text.equals("~") && !text.startsWith("~/")) {
      return text;
    }
    String variable = System.getenv("HOME");
    String home = variable == null ? System.getProperty("user.home", "") : variable;
    return home.replaceFirst("/+$", "") + text.substring(1);
  }
}
