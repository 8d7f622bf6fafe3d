package dev.zrs.server.config;

import static dev.zrs.zconfig.DataTypes.BOOLEAN;
import static dev.zrs.zconfig.DataTypes.BYTE_SIZE;
import static dev.zrs.zconfig.DataTypes.DOTTED_NAME;
import static dev.zrs.zconfig.DataTypes.INET_ADDRESS;
import static dev.zrs.zconfig.DataTypes.INTEGER_NUMBER;
import static dev.zrs.zconfig.DataTypes.SOCKET_ADDRESS;
import static dev.zrs.zconfig.DataTypes.STRING;
import static dev.zrs.zconfig.KeyType.oneOrMore;
import static dev.zrs.zconfig.KeyType.optional;
import static dev.zrs.zconfig.KeyType.required;
import static dev.zrs.zconfig.KeyType.withDefault;

import dev.zrs.server.logging.LogFile;
import dev.zrs.server.logging.Syslog;
import dev.zrs.zconfig.KeyType;
import dev.zrs.zconfig.SectionType;
import dev.zrs.zconfig.SectionType.Slot;
import java.util.List;
import java.util.stream.Stream;

/** The section types of ZConfig's logger component. */
final class LogSchema {
  static final String HANDLER = "a log handler";
  static final String LOG = "a log";

  private static final List<KeyType> HANDLER_KEYS =
      List.of(
          optional("formatter", DOTTED_NAME),
          withDefault("dateformat", STRING, LogFile.DEFAULT_DATE_FORMAT),
          withDefault("level", RunzeoTypes.LOG_LEVEL, "notset"),
          withDefault("style", RunzeoTypes.LOG_STYLE, "classic"),
          withDefault("arbitrary-fields", BOOLEAN, "false"));

  private static final Slot HANDLERS = new Slot(HANDLER, HANDLER, 0, Integer.MAX_VALUE);
  private static final KeyType LOGGER_LEVEL = withDefault("level", RunzeoTypes.LOG_LEVEL, "info");

  static final List<SectionType> TYPES =
      List.of(
          SectionType.of("eventlog", List.of(LOGGER_LEVEL), HANDLERS).ofKind(LOG),
          SectionType.of(
                  "logger",
                  List.of(
                      LOGGER_LEVEL,
                      withDefault("propagate", BOOLEAN, "true"),
                      optional("name", DOTTED_NAME)),
                  HANDLERS)
              .ofKind(LOG),
          handler(
              "logfile",
              required("path", STRING),
              withDefault("old-files", INTEGER_NUMBER, "0"),
              withDefault("max-size", BYTE_SIZE, "0"),
              withDefault("when", STRING, ""),
              withDefault("interval", INTEGER_NUMBER, "0"),
              format(LogFile.DEFAULT_FORMAT),
              optional("encoding", STRING),
              withDefault("delay", BOOLEAN, "false")),
          handler(
              "syslog",
              withDefault("facility", RunzeoTypes.SYSLOG_FACILITY, "user"),
              withDefault("address", SOCKET_ADDRESS, "localhost:514"),
              format(Syslog.DEFAULT_FORMAT)),
          handler(
              "win32-eventlog",
              withDefault("appname", STRING, "Zope"),
              format("%(levelname)s %(name)s %(message)s")),
          handler(
              "http-logger",
              withDefault("url", RunzeoTypes.HTTP_URL, "http://localhost/"),
              withDefault("method", RunzeoTypes.GET_OR_POST, "GET"),
              format("%(asctime)s %(levelname)s %(name)s %(message)s")),
          handler(
              "email-notifier",
              required("from", STRING),
              oneOrMore("to", STRING),
              withDefault("subject", STRING, "Message from Zope"),
              withDefault("smtp-server", INET_ADDRESS, "localhost"),
              withDefault("smtp-username", STRING, ""),
              withDefault("smtp-password", STRING, ""),
              format("%(asctime)s %(levelname)s %(name)s %(message)s")));

  private LogSchema() {}

  private static SectionType handler(String name, KeyType... own) {
    List<KeyType> keys = Stream.concat(Stream.of(own), HANDLER_KEYS.stream()).toList();
    return SectionType.of(name, keys).ofKind(HANDLER);
  }

  private static KeyType format(String text) {
    return withDefault("format", RunzeoTypes.ESCAPED, text);
  }
}
