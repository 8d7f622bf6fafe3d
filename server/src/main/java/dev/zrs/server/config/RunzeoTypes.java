package dev.zrs.server.config;

import dev.zrs.server.config.ZooKeeperConfig.Access;
import dev.zrs.server.config.ZooKeeperConfig.Authentication;
import dev.zrs.server.logging.LogStyle;
import dev.zrs.server.logging.PythonLevel;
import dev.zrs.server.logging.SyslogFacility;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.DataType;
import dev.zrs.zconfig.DataTypes;
import dev.zrs.zconfig.PathTypes;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The data types that ZConfig's logger component and zdaemon add to the standard ones. */
final class RunzeoTypes {
  static final DataType<Integer> LOG_LEVEL = PythonLevel::parse;

  /** Text in which the escapes for control characters are put in. */
  static final DataType<String> ESCAPED =
      text ->
          text.replace("\\n", "\n")
              .replace("\\t", "\t")
              .replace("\\b", "\b")
              .replace("\\f", "\f")
              .replace("\\r", "\r");

  static final DataType<LogStyle> LOG_STYLE = RunzeoTypes::logStyle;

  static final DataType<SyslogFacility> SYSLOG_FACILITY = RunzeoTypes::facility;

  static final DataType<String> GET_OR_POST = oneOf("a method", Set.of("get", "post"));

  /** Whether blobs are skipped. */
  static final DataType<Boolean> COPY_OR_SKIP = RunzeoTypes::copyOrSkip;

  /** Servers of ZooKeeper, and perhaps a path there. */
  static final DataType<String> CONNECTION_STRING = RunzeoTypes::connectionString;

  /** The path of a node of ZooKeeper. */
  static final DataType<String> NODE_PATH = ZooKeeperConfig::requirePath;

  static final DataType<Authentication> AUTHENTICATION = RunzeoTypes::authentication;

  private static final String DIGEST = "digest:";

  static final DataType<Access> ACCESS = RunzeoTypes::access;

  static final DataType<String> HTTP_URL = RunzeoTypes::httpUrl;

  static final DataType<Integer> OCTAL = RunzeoTypes::octal;

  static final DataType<List<Long>> INTEGER_LIST =
      text ->
          text.isEmpty()
              ? List.of()
              : Arrays.stream(text.split(",", -1)).map(DataTypes.INTEGER_NUMBER::parse).toList();

  /** A directory that exists or whose parent does. */
  static final DataType<String> EXISTING_PARENT_DIRECTORY =
      PathTypes.checked(
          path -> Files.isDirectory(path) || isDirectory(path.getParent()),
          "is in a directory that does not exist");

  /** A path whose directory exists or could be made in one that does. */
  static final DataType<String> EXISTING_PARENT_DIRPATH =
      PathTypes.checked(
          path -> {
            Path directory = path.getParent();
            Path parent = directory == null ? null : directory.getParent();
            return parent == null || Files.isDirectory(parent);
          },
          "is in a directory that does not exist");

  private RunzeoTypes() {}

  private static LogStyle logStyle(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "classic" -> LogStyle.CLASSIC;
      case "format" -> LogStyle.FORMAT;
      case "template" -> LogStyle.TEMPLATE;
      case "safe-template" -> LogStyle.SAFE_TEMPLATE;
      default ->
          throw new BadValueException(
              DataTypes.quote(text)
                  + " is not a style (one of classic, format, safe-template, template)");
    };
  }

  private static SyslogFacility facility(String text) {
    for (SyslogFacility facility : SyslogFacility.values()) {
      if (facility.name().equalsIgnoreCase(text)) {
        return facility;
      }
    }
    throw new BadValueException(
        DataTypes.quote(text)
            + " is not a syslog facility (one of "
            + Arrays.stream(SyslogFacility.values())
                .map(facility -> facility.name().toLowerCase(Locale.ROOT))
                .sorted()
                .collect(Collectors.joining(", "))
            + ")");
  }

  private static boolean copyOrSkip(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "copy" -> false;
      case "skip" -> true;
      default -> throw new BadValueException("'" + text + "' is neither copy nor skip");
    };
  }

  private static String connectionString(String text) {
    int slash = text.indexOf('/');
    String hosts = slash < 0 ? text : text.substring(0, slash);
    for (String host : hosts.split(",", -1)) {
      if (!isServer(host.strip())) {
        throw new BadValueException(
            "'%s' names no servers of ZooKeeper, as HOST:PORT,HOST:PORT/PATH does: '%s' is none"
                .formatted(text, host));
      }
    }
    if (slash >= 0) {
      ZooKeeperConfig.requirePath(text.substring(slash));
    }
    return text;
  }

  private static boolean isServer(String text) {
    if (text.indexOf(':') != text.lastIndexOf(':') && !text.startsWith("[")) {
      return false;
    }
    try {
      Address.Inet address = DataTypes.INET_ADDRESS.parse(text);
      return !address.host().isEmpty() && address.port().orElse(1) != 0;
    } catch (BadValueException e) {
      // The reason speaks of addresses that are no servers of ZooKeeper either.
      return false;
    }
  }

  /** What is wrong must not be shown. */
  private static Authentication authentication(String text) {
    String secret = text.startsWith(DIGEST) ? text.substring(DIGEST.length()) : "";
    int colon = secret.indexOf(':');
    if (colon < 1 || colon == secret.length() - 1) {
      throw new BadValueException("it is not of the form digest:USER:PASSWORD");
    }
    return new Authentication("digest", secret);
  }

  private static Access access(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "read" -> Access.READ;
      case "open" -> Access.OPEN;
      case "creator" -> Access.CREATOR;
      default -> throw new BadValueException("'" + text + "' is none of read, open, creator");
    };
  }

  private static boolean isDirectory(@Nullable Path path) {
    return path != null && Files.isDirectory(path);
  }

  private static DataType<String> oneOf(String what, Set<String> words) {
    String known = String.join(", ", words.stream().sorted().toList());
    return text -> {
      String lower = text.toLowerCase(Locale.ROOT);
      if (!words.contains(lower)) {
        throw new BadValueException(
            DataTypes.quote(text) + " is not " + what + " (one of " + known + ")");
      }
      return lower;
    };
  }

  private static String httpUrl(String text) {
    try {
      URI uri = new URI(text);
      if ("http".equals(uri.getScheme())
          && uri.getRawAuthority() != null
          && uri.getRawPath() != null
          && !uri.getRawPath().isEmpty()) {
        return text;
      }
    } catch (URISyntaxException e) {
      throw new BadValueException(DataTypes.quote(text) + " is not a URL: " + e.getReason());
    }
    throw new BadValueException(DataTypes.quote(text) + " is not of the form http://host/path");
  }

  private static Integer octal(String text) {
    String digits = text.strip().replaceFirst("^0[oO]", "");
    try {
      return Integer.parseInt(digits, 8);
    } catch (NumberFormatException e) {
      throw new BadValueException(DataTypes.quote(text) + " is not an octal number");
    }
  }
}
