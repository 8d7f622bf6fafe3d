package dev.zrs.server.config;

import static dev.zrs.zconfig.DataTypes.BOOLEAN;
import static dev.zrs.zconfig.DataTypes.BYTE_SIZE;
import static dev.zrs.zconfig.DataTypes.FLOAT_NUMBER;
import static dev.zrs.zconfig.DataTypes.INET_ADDRESS;
import static dev.zrs.zconfig.DataTypes.INTEGER_NUMBER;
import static dev.zrs.zconfig.DataTypes.SOCKET_ADDRESS;
import static dev.zrs.zconfig.DataTypes.SOCKET_BINDING_ADDRESS;
import static dev.zrs.zconfig.DataTypes.SOCKET_CONNECTION_ADDRESS;
import static dev.zrs.zconfig.DataTypes.STRING;
import static dev.zrs.zconfig.DataTypes.STRING_LIST;
import static dev.zrs.zconfig.DataTypes.TIME_INTERVAL;
import static dev.zrs.zconfig.KeyType.oneOrMore;
import static dev.zrs.zconfig.KeyType.optional;
import static dev.zrs.zconfig.KeyType.required;
import static dev.zrs.zconfig.KeyType.withDefault;
import static dev.zrs.zconfig.PathTypes.EXISTING_DIRPATH;
import static dev.zrs.zconfig.PathTypes.EXISTING_PATH;

import dev.zrs.zconfig.KeyType;
import dev.zrs.zconfig.Schema;
import dev.zrs.zconfig.SectionType;
import dev.zrs.zconfig.SectionType.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The schema of runzeo (ZEO 6.2, ZODB 6.4, zdaemon 5.2, zc.zrs 3.1, zc.zlibstorage 1.2), whole:
 * also what {@link NeedsPython} then refuses. Keys of our own are {@code reconnect-delay}, {@code
 * hold-writers}, {@code strict-blobs}, {@code blobs}, {@code password-file} and {@code
 * password-env}; {@code zookeeper} and {@code replicate-from-zookeeper} are those of zc.zrs 2.4,
 * and what else is about ZooKeeper is our own.
 */
final class RunzeoSchema {
  static final String STORAGE = "a storage";

  /** Packages that may be imported; those beyond zc.zrs are in the schema anyway. */
  static final Set<String> IMPORTS =
      Set.of(
          "zc.zrs",
          "zc.zrs.xformstorage",
          "zc.zlibstorage",
          "ZODB",
          "zdaemon",
          "ZConfig.components.logger");

  private static final Slot ANY_STORAGES = new Slot(STORAGE, STORAGE, 0, Integer.MAX_VALUE);
  private static final Slot OPTIONAL_STORAGE = new Slot(STORAGE, STORAGE, 0, 1);
  private static final Slot ONE_STORAGE =
      new Slot(STORAGE, "storage section such as <filestorage>", 1, 1);

  private static final SectionType ROOT =
      SectionType.of(
          "",
          List.of(),
          new Slot("zeo", "<zeo> section", 1, 1),
          new Slot("runner", "<runner> section", 0, 1),
          new Slot(STORAGE, "storage section such as <filestorage>", 1, Integer.MAX_VALUE),
          new Slot("eventlog", "<eventlog> section", 0, 1));

  private static final SectionType ZEO =
      SectionType.of(
          "zeo",
          withZooKeeper(
              optional("register", RunzeoTypes.NODE_PATH),
              required("address", SOCKET_BINDING_ADDRESS),
              withDefault("read-only", BOOLEAN, "false"),
              withDefault("invalidation-queue-size", INTEGER_NUMBER, "100"),
              optional("invalidation-age", FLOAT_NUMBER),
              optional("transaction-timeout", INTEGER_NUMBER),
              optional("pid-filename", EXISTING_DIRPATH),
              withDefault("client-conflict-resolution", BOOLEAN, "false"),
              optional("msgpack", BOOLEAN)),
          new Slot("ssl", "<ssl> section", 0, 1));

  private static final SectionType SSL =
      SectionType.of(
          "ssl",
          List.of(
              required("certificate", EXISTING_DIRPATH),
              optional("key", EXISTING_DIRPATH),
              optional("password-function", STRING),
              optional("password-file", EXISTING_DIRPATH),
              optional("password-env", STRING),
              required("authenticate", STRING)));

  private static final SectionType RUNNER =
      SectionType.of(
          "runner",
          List.of(
              required("program", STRING_LIST),
              optional("python", EXISTING_PATH),
              optional("zdrun", EXISTING_PATH),
              withDefault("socket-name", RunzeoTypes.EXISTING_PARENT_DIRPATH, "zdsock"),
              withDefault("daemon", BOOLEAN, "on"),
              optional("directory", RunzeoTypes.EXISTING_PARENT_DIRECTORY),
              withDefault("backoff-limit", INTEGER_NUMBER, "10"),
              withDefault("forever", BOOLEAN, "false"),
              withDefault("exit-codes", RunzeoTypes.INTEGER_LIST, "0,2"),
              optional("start-test-program", STRING_LIST),
              withDefault("start-timeout", INTEGER_NUMBER, "300"),
              withDefault("stop-timeout", INTEGER_NUMBER, "300"),
              optional("user", STRING),
              withDefault("umask", RunzeoTypes.OCTAL, "022"),
              withDefault("hang-around", BOOLEAN, "false"),
              withDefault("default-to-interactive", BOOLEAN, "true"),
              optional("logfile", EXISTING_DIRPATH),
              optional("transcript", EXISTING_DIRPATH),
              optional("prompt", STRING)),
          new Slot(LogSchema.LOG, "log section", 0, 1));

  private static final List<KeyType> BERKELEY_KEYS =
      List.of(
          required("envdir", STRING),
          withDefault("interval", TIME_INTERVAL, "2m"),
          withDefault("kbyte", INTEGER_NUMBER, "0"),
          withDefault("min", INTEGER_NUMBER, "0"),
          optional("logdir", STRING),
          withDefault("cachesize", BYTE_SIZE, "128MB"),
          withDefault("frequency", TIME_INTERVAL, "0"),
          withDefault("packtime", TIME_INTERVAL, "4h"),
          withDefault("gcpack", INTEGER_NUMBER, "0"),
          withDefault("read-only", BOOLEAN, "off"));

  private static final SectionType ZEOCLIENT =
      storage(
          "zeoclient",
          oneOrMore("server", SOCKET_CONNECTION_ADDRESS),
          optional("blob-dir", STRING),
          withDefault("shared-blob-dir", BOOLEAN, "no"),
          optional("blob-cache-size", BYTE_SIZE),
          optional("blob-cache-size-check", INTEGER_NUMBER),
          withDefault("storage", STRING, "1"),
          withDefault("cache-size", BYTE_SIZE, "20MB"),
          withDefault("name", STRING, ""),
          optional("client", STRING),
          optional("var", STRING),
          withDefault("min-disconnect-poll", INTEGER_NUMBER, "5"),
          withDefault("max-disconnect-poll", INTEGER_NUMBER, "300"),
          withDefault("wait", BOOLEAN, "on"),
          withDefault("read-only", BOOLEAN, "off"),
          withDefault("read-only-fallback", BOOLEAN, "off"),
          optional("username", STRING),
          optional("password", STRING),
          optional("realm", STRING),
          withDefault("drop-cache-rather-verify", BOOLEAN, "off"),
          optional("client-label", STRING));

  private static final List<SectionType> STORAGES =
      List.of(
          storage(
              "filestorage",
              required("path", EXISTING_DIRPATH),
              optional("blob-dir", EXISTING_DIRPATH),
              optional("create", BOOLEAN),
              optional("read-only", BOOLEAN),
              optional("quota", BYTE_SIZE),
              optional("packer", STRING),
              withDefault("pack-gc", BOOLEAN, "true"),
              withDefault("pack-keep-old", BOOLEAN, "true"),
              withDefault("pack-rate", BYTE_SIZE, "0")),
          SectionType.of(
                  "zrs",
                  withZooKeeper(
                      optional("replicate-from-zookeeper", RunzeoTypes.CONNECTION_STRING),
                      optional("listen", INET_ADDRESS),
                      optional("replicate-to", SOCKET_BINDING_ADDRESS),
                      optional("replicate-from", SOCKET_ADDRESS),
                      withDefault("keep-alive-delay", INTEGER_NUMBER, "0"),
                      optional("reconnect-delay", INTEGER_NUMBER),
                      optional("hold-writers", INTEGER_NUMBER),
                      optional("strict-blobs", BOOLEAN),
                      optional("blobs", RunzeoTypes.COPY_OR_SKIP)),
                  ONE_STORAGE)
              .ofKind(STORAGE)
              .importedBy("zc.zrs"),
          storage("mappingstorage", withDefault("name", STRING, "Mapping Storage")),
          SectionType.of("demostorage", List.of(optional("name", STRING)), ANY_STORAGES)
              .ofKind(STORAGE),
          SectionType.of("blobstorage", List.of(required("blob-dir", STRING)), OPTIONAL_STORAGE)
              .ofKind(STORAGE),
          SectionType.of("fullstorage", BERKELEY_KEYS).ofKind(STORAGE),
          SectionType.of("minimalstorage", BERKELEY_KEYS).ofKind(STORAGE),
          zlib(LayerReader.ZLIB),
          zlib(LayerReader.SERVER_ZLIB),
          hex(LayerReader.HEX),
          hex(LayerReader.SERVER_HEX));

  /** The schema. */
  static final Schema SCHEMA = schema();

  private RunzeoSchema() {}

  private static Schema schema() {
    List<SectionType> types = new ArrayList<>(List.of(ZEO, SSL, RUNNER, ZEOCLIENT));
    types.addAll(STORAGES);
    types.addAll(LogSchema.TYPES);
    return new Schema(ROOT, types);
  }

  private static List<KeyType> withZooKeeper(KeyType... keys) {
    List<KeyType> all = new ArrayList<>(List.of(keys));
    all.addAll(ZooKeeperReader.keys());
    return all;
  }

  private static SectionType storage(String name, KeyType... keys) {
    return SectionType.of(name, List.of(keys)).ofKind(STORAGE);
  }

  private static SectionType zlib(String name) {
    return SectionType.of(name, List.of(optional("compress", BOOLEAN)), ONE_STORAGE)
        .ofKind(STORAGE)
        .importedBy("zc.zlibstorage");
  }

  private static SectionType hex(String name) {
    return SectionType.of(name, List.of(), ONE_STORAGE)
        .ofKind(STORAGE)
        .importedBy("zc.zrs.xformstorage");
  }
}
