package dev.zrs.zconfig;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The data types of ZConfig. They take and refuse the same texts, except that a number beyond 64
 * bits is refused here.
 */
public final class DataTypes {
  private static final Set<String> TRUE = Set.of("yes", "true", "on");
  private static final Set<String> FALSE = Set.of("no", "false", "off");
  private static final Pattern INTEGER = Pattern.compile("[+-]?\\p{Nd}+(?:_\\p{Nd}+)*");
  private static final Pattern FLOAT =
      Pattern.compile(
          "[+-]?(?:D(?:\\.D?)?|\\.D)(?:[eE][+-]?D)?".replace("D", "(?:\\p{Nd}+(?:_\\p{Nd}+)*)"));
  private static final Pattern INFINITE = Pattern.compile("[+-]?inf(?:inity)?");
  private static final Pattern NAN = Pattern.compile("[+-]?nan");
  private static final String NAME = "[_a-zA-Z][_a-zA-Z0-9]*";

  /** Any text. */
  public static final DataType<String> STRING = text -> text;

  /** Words, separated by white space. */
  public static final DataType<List<String>> STRING_LIST = Text::words;

  /** yes, true, on, no, false, off; in any case. */
  public static final DataType<Boolean> BOOLEAN = DataTypes::parseBoolean;

  /** A decimal integer in Python's notation. */
  public static final DataType<Long> INTEGER_NUMBER = text -> parseInteger(text, text, 1);

  /** A number in Python's notation, with inf and nan. */
  public static final DataType<Double> FLOAT_NUMBER = DataTypes::parseFloat;

  /** Bytes; the suffixes KB, MB, GB are powers of 1024. */
  public static final DataType<Long> BYTE_SIZE =
      suffixed(Map.of("kb", 1L << 10, "mb", 1L << 20, "gb", 1L << 30));

  /** Seconds; suffixes s, m, h, d. */
  public static final DataType<Long> TIME_INTERVAL =
      suffixed(Map.of("s", 1L, "m", 60L, "h", 3600L, "d", 86400L));

  /** 0 to 65535. */
  public static final DataType<Integer> PORT_NUMBER = DataTypes::parsePort;

  /** host:port, host, :port, port, [ipv6]:port; without a host the default is used. */
  public static final DataType<Address.Inet> INET_ADDRESS = text -> parseInet(text, "");

  /** As {@link #INET_ADDRESS}, or a path: anything with a slash. */
  public static final DataType<Address> SOCKET_ADDRESS = text -> parseSocket(text, "");

  /** An address to listen at; the empty host stands for all interfaces. */
  public static final DataType<Address> SOCKET_BINDING_ADDRESS = SOCKET_ADDRESS;

  /** An address to connect to; without a host it is 127.0.0.1. */
  public static final DataType<Address> SOCKET_CONNECTION_ADDRESS =
      text -> parseSocket(text, "127.0.0.1");

  /** A Python identifier. */
  public static final DataType<String> IDENTIFIER = matching(NAME, "an identifier");

  /** Identifiers joined by dots. */
  public static final DataType<String> DOTTED_NAME =
      matching(NAME + "(?:\\." + NAME + ")*", "a dotted name");

  private DataTypes() {}

  /**
   * A text in quotes, on one line and cut if it is very long: for the messages of data types that
   * are made elsewhere.
   */
  public static String quote(String text) {
    return Text.quote(text);
  }

  private static Boolean parseBoolean(String text) {
    String lower = Text.lower(text);
    if (!TRUE.contains(lower) && !FALSE.contains(lower)) {
      throw new BadValueException(Text.quote(text) + " is not yes/no, true/false or on/off");
    }
    return TRUE.contains(lower);
  }

  private static Long parseInteger(String whole, String digits, long factor) {
    String stripped = Text.strip(digits);
    if (!INTEGER.matcher(stripped).matches()) {
      throw new BadValueException(Text.quote(whole) + " is not an integer");
    }
    // Python itself stops at 4300 digits; here 64 bits are the limit anyhow.
    if (stripped.length() <= 100) {
      BigInteger value = new BigInteger(asciiDigits(stripped));
      BigInteger product = value.multiply(BigInteger.valueOf(factor));
      if (product.bitLength() < Long.SIZE) {
        return product.longValue();
      }
    }
    throw new BadValueException(Text.quote(whole) + " is too large");
  }

  private static Double parseFloat(String text) {
    String stripped = Text.strip(text);
    String lower = Text.lower(stripped);
    if (INFINITE.matcher(lower).matches()) {
      return lower.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    if (NAN.matcher(lower).matches()) {
      return Double.NaN;
    }
    if (stripped.length() > 1000 || !FLOAT.matcher(stripped).matches()) {
      throw new BadValueException(Text.quote(text) + " is not a number");
    }
    return Double.parseDouble(asciiDigits(stripped));
  }

  /** Without underscores; Python takes the decimal digits of all scripts. */
  private static String asciiDigits(String number) {
    StringBuilder ascii = new StringBuilder();
    number
        .codePoints()
        .filter(c -> c != '_')
        .forEach(
            c -> ascii.appendCodePoint(Character.isDigit(c) ? '0' + Character.digit(c, 10) : c));
    return ascii.toString();
  }

  private static DataType<Long> suffixed(Map<String, Long> factors) {
    int length = factors.keySet().iterator().next().length();
    String known = String.join(", ", factors.keySet().stream().sorted().toList());
    return text -> {
      int end = Math.max(0, text.length() - length);
      Long factor = factors.get(Text.lower(text.substring(end)));
      try {
        return factor == null
            ? parseInteger(text, text, 1)
            : parseInteger(text, text.substring(0, end), factor);
      } catch (BadValueException e) {
        throw new BadValueException(e.reason() + " (it can end with one of " + known + ")");
      }
    };
  }

  private static Integer parsePort(String text) {
    long port = parseInteger(text, text, 1);
    if (port < 0 || port > 0xffff) {
      throw new BadValueException(Text.quote(text) + " is not a port from 0 to 65535");
    }
    return (int) port;
  }

  private static Address parseSocket(String text, String defaultHost) {
    return text.contains("/") ? new Address.Unix(text) : parseInet(text, defaultHost);
  }

  private static Address.Inet parseInet(String text, String defaultHost) {
    String host = "";
    OptionalInt port = OptionalInt.empty();
    int colon = text.lastIndexOf(':');
    if (colon >= 0) {
      host = text.substring(0, colon);
      String portText = text.substring(colon + 1);
      if (host.startsWith("[") && host.endsWith("]")) {
        host = host.substring(1, host.length() - 1);
      } else if (host.contains(":")) {
        // IPv6 without brackets: the last group is not a port.
        host = text;
        portText = "";
      }
      if (!portText.isEmpty()) {
        port = OptionalInt.of(parsePort(portText));
      }
    } else {
      try {
        port = OptionalInt.of(parsePort(text));
      } catch (BadValueException e) {
        // Not a port, so it is a host; ZConfig takes even a number that is too large for one.
        if (Text.words(text).size() != 1) {
          throw new BadValueException(Text.quote(text) + " is not an address (host:port or path)");
        }
        host = text;
      }
    }
    return new Address.Inet(host.isEmpty() ? defaultHost : Text.lower(host), port);
  }

  /** A type for texts that match a pattern as a whole. */
  private static DataType<String> matching(String pattern, String what) {
    Pattern compiled = Pattern.compile(pattern);
    return text -> {
      if (!compiled.matcher(text).matches()) {
        throw new BadValueException(Text.quote(text) + " is not " + what);
      }
      return text;
    };
  }
}
