package dev.zrs.server.config;

import dev.zrs.zconfig.CheckedSection;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zeo.TlsContext;
import dev.zrs.zeo.TlsException;
import dev.zrs.zeo.TlsOptions;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The {@code <ssl>} section. Its files are read only by who serves: other commands read the same
 * configuration, and their users need not be able to read the key. Immutable.
 */
public final class SslConfig {
  private static final String CERTIFICATE = "certificate";
  private static final String KEY = "key";
  private static final String AUTHENTICATE = "authenticate";
  private static final String PASSWORD_FILE = "password-file";
  private static final String PASSWORD_ENV = "password-env";
  private static final String PASSWORD_FUNCTION = "password-function";

  /** Instead of a path: whoever has a certificate of an authority that the system trusts. */
  private static final String SIGNED = "SIGNED";

  private final CheckedSection section;
  private final Function<String, @Nullable String> environment;

  private SslConfig(CheckedSection section, Function<String, @Nullable String> environment) {
    this.section = section;
    this.environment = environment;
  }

  /** Checks what can be checked without the files. */
  static SslConfig read(CheckedSection section, Function<String, @Nullable String> environment) {
    if (section.find(PASSWORD_FUNCTION, String.class).isPresent()) {
      throw section.error(
          PASSWORD_FUNCTION,
          "Python code can't be run here; use password-file FILE (the password is its first line)"
              + " or password-env NAME (the password is in that environment variable)");
    }
    if (section.find(PASSWORD_FILE, String.class).isPresent()
        && section.find(PASSWORD_ENV, String.class).isPresent()) {
      throw section.error(PASSWORD_ENV, "there is a password-file already");
    }
    for (String name : List.of(CERTIFICATE, AUTHENTICATE)) {
      if (section.get(name, String.class).isEmpty()) {
        throw section.error(name, "it is empty");
      }
    }
    return new SslConfig(section, environment);
  }

  /**
   * Reads the files and the password.
   *
   * @throws ConfigException if one can't be used; the message names the key and the file
   */
  public TlsContext load() {
    TlsOptions options = TlsOptions.DEFAULT;
    Path certificate = path(CERTIFICATE).orElseThrow();
    options =
        path(KEY).isPresent()
            ? options.withCertificate(certificate, path(KEY).orElseThrow())
            : options.withCertificate(certificate);
    Optional<String> password = password();
    if (password.isPresent()) {
      options = options.withPassword(password.get());
    }
    if (!section.get(AUTHENTICATE, String.class).equals(SIGNED)) {
      options = options.withAuthenticate(path(AUTHENTICATE).orElseThrow());
    }
    try {
      return TlsContext.load(options);
    } catch (TlsException e) {
      String key =
          switch (e.part()) {
            case CERTIFICATE -> CERTIFICATE;
            case KEY -> KEY;
            case PASSWORD -> passwordKey();
            case AUTHENTICATE -> AUTHENTICATE;
          };
      throw section.error(key, e.getMessage() + advice(e));
    }
  }

  private static String advice(TlsException e) {
    return e.isPasswordMissing() ? ": there must be a password-file or a password-env" : "";
  }

  private Optional<Path> path(String key) {
    try {
      return section.find(key, String.class).filter(text -> !text.isEmpty()).map(Path::of);
    } catch (InvalidPathException e) {
      throw section.error(key, e.getReason());
    }
  }

  private String passwordKey() {
    return section.find(PASSWORD_ENV, String.class).isPresent() ? PASSWORD_ENV : PASSWORD_FILE;
  }

  private Optional<String> password() {
    Optional<String> variable = section.find(PASSWORD_ENV, String.class);
    if (variable.isPresent()) {
      String value = environment.apply(variable.get());
      if (value == null) {
        throw section.error(
            PASSWORD_ENV, "there is no environment variable '%s'".formatted(variable.get()));
      }
      return Optional.of(value);
    }
    return path(PASSWORD_FILE).map(this::firstLine);
  }

  private String firstLine(Path file) {
    try (var lines = Files.newBufferedReader(file)) {
      String line = lines.readLine();
      if (line == null) {
        throw section.error(PASSWORD_FILE, file + " is empty");
      }
      return line;
    } catch (MalformedInputException e) {
      throw section.error(PASSWORD_FILE, file + " is not a text file in UTF-8");
    } catch (IOException e) {
      throw section.error(PASSWORD_FILE, "can't read " + file + ": " + reason(e));
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException missing -> "there is no such file";
      case AccessDeniedException denied -> "permission denied";
      default -> e.toString();
    };
  }
}
