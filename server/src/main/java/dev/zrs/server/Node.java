package dev.zrs.server;

import dev.zrs.replication.ReplicationSecondary;
import dev.zrs.server.config.DemoStorageConfig;
import dev.zrs.server.config.FileStorageConfig;
import dev.zrs.server.config.LayeredStorageConfig;
import dev.zrs.server.config.MappingStorageConfig;
import dev.zrs.server.config.NamedStorage;
import dev.zrs.server.config.RegistrationConfig;
import dev.zrs.server.config.ServerConfig;
import dev.zrs.server.config.SslConfig;
import dev.zrs.server.config.StorageConfig;
import dev.zrs.server.config.ZeoSection;
import dev.zrs.server.config.ZrsConfig;
import dev.zrs.server.directory.DirectoryException;
import dev.zrs.server.directory.DirectoryStatus;
import dev.zrs.server.directory.Registered;
import dev.zrs.server.directory.ServerDirectory;
import dev.zrs.server.role.Role;
import dev.zrs.server.role.RoleDecision;
import dev.zrs.server.role.RoleFile;
import dev.zrs.server.zookeeper.ZooKeeperDirectory;
import dev.zrs.storage.BlobAccess;
import dev.zrs.storage.DemoStorage;
import dev.zrs.storage.Disk;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.LayeredStorage;
import dev.zrs.storage.MemoryDisk;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.RecordLayer;
import dev.zrs.storage.Storage;
import dev.zrs.storage.StorageOptions;
import dev.zrs.zeo.ServedStorage;
import dev.zrs.zeo.TlsContext;
import dev.zrs.zeo.ZeoServer;
import dev.zrs.zeo.ZeoServerOptions;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running server: its storages, their replication and the ZEO server over them, wired as the
 * configuration says. Any thread may ask; one starts and closes it.
 */
final class Node implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.StorageServer");

  private final Closer closer = new Closer();
  private final Optional<ServerDirectory> directory;
  private final Optional<RegistrationConfig> registration;
  private volatile @Nullable Registered registered;
  private final Map<String, Storage> storages = new LinkedHashMap<>();
  private final Map<String, ReplicatedStorage> replicated = new LinkedHashMap<>();
  private final ZeoServer server;
  private final long memoryLimit;

  private Node(ServerConfig config, InstantSource clock) {
    // Before anything is opened: it fails for the same reasons as a configuration.
    Optional<TlsContext> tls = config.zeo().ssl().map(SslConfig::load);
    memoryLimit = memoryLimit(config);
    registration = config.zeo().registration();
    directory = directory(config, clock);
    directory.ifPresent(closer::add);
    boolean open = false;
    try {
      Map<String, ServedStorage> served = new LinkedHashMap<>();
      for (NamedStorage named : config.storages()) {
        RunzeoLog.info(
            "opening storage '%s' using %s".formatted(named.name(), kind(named.storage())));
        served.put(named.name(), open(named.name(), named.storage(), clock));
      }
      // Last, so that it is closed first: no commits come while the secondaries get the rest.
      server =
          closer.add(
              new ZeoServer(
                  config.zeo().address().toBind(), served, zeoOptions(config.zeo(), tls, clock)));
      open = true;
    } finally {
      if (!open) {
        closer.close();
      }
    }
  }

  /**
   * Opens everything and starts to serve.
   *
   * @throws RuntimeException of the module that could not do its part; everything that was opened
   *     is closed then
   */
  static Node start(ServerConfig config, InstantSource clock) {
    Node node = new Node(config, clock);
    boolean started = false;
    try {
      node.server.start();
      // Only now, so that the ZEO server is told of every transaction that they bring.
      node.replicated.values().forEach(ReplicatedStorage::start);
      node.register();
      started = true;
      return node;
    } finally {
      if (!started) {
        node.close();
      }
    }
  }

  /** Where others are registered and found; without configuration its classes are not loaded. */
  private static Optional<ServerDirectory> directory(ServerConfig config, InstantSource clock) {
    if (!config.usesZooKeeper()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new ZooKeeperDirectory(clock));
    } catch (NoClassDefFoundError e) {
      throw DirectoryException.jarsAreMissing(e);
    }
  }

  private void register() {
    if (registration.isPresent() && server.address() instanceof InetSocketAddress address) {
      // Closed before the server, so that no client finds one that goes.
      registered = closer.add(directory.orElseThrow().register(registration.get(), address));
    }
  }

  /** How it is registered for ZEO clients, if it is. */
  Optional<DirectoryStatus> zeoDirectory() {
    return Optional.ofNullable(registered).map(Registered::status);
  }

  /** An address as people write it. */
  static String text(SocketAddress address) {
    return switch (address) {
      case InetSocketAddress inet when inet.getAddress() instanceof Inet6Address host ->
          "[%s]:%d".formatted(host.getHostAddress(), inet.getPort());
      case InetSocketAddress inet ->
          "%s:%d"
              .formatted(
                  inet.getAddress() == null
                      ? inet.getHostString()
                      : inet.getAddress().getHostAddress(),
                  inet.getPort());
      default -> address.toString();
    };
  }

  /** Where ZEO clients connect to. */
  SocketAddress zeoAddress() {
    return server.address();
  }

  /** The file storage of this name. */
  FileStorage storage(String name) {
    return Optional.ofNullable(storages.get(name))
        .filter(FileStorage.class::isInstance)
        .map(FileStorage.class::cast)
        .orElseThrow();
  }

  /**
   * All storages by their names, in the order of the configuration: those that have the files,
   * without the layers that clients see them through.
   */
  Map<String, Storage> storages() {
    return Collections.unmodifiableMap(storages);
  }

  /** Those of {@code <zrs>} sections. */
  Map<String, ReplicatedStorage> replicated() {
    return Collections.unmodifiableMap(replicated);
  }

  /** The receiver of the storage of this name, if it is a secondary. */
  Optional<ReplicationSecondary> secondary(String name) {
    return Optional.ofNullable(replicated.get(name)).flatMap(ReplicatedStorage::secondary);
  }

  /** How many ZEO clients are connected. */
  int clients() {
    return server.connections();
  }

  private ServedStorage open(String name, StorageConfig config, InstantSource clock) {
    return switch (config) {
      case ZrsConfig zrs -> openReplicated(name, zrs, clock);
      case FileStorageConfig file -> serve(name, openAlone(name, file, clock));
      case MappingStorageConfig mapping -> serve(name, openAlone(name, mapping, clock));
      case DemoStorageConfig demo -> serve(name, openAlone(name, demo, clock));
      case LayeredStorageConfig layered -> {
        ServedStorage base = open(name, layered.base(), clock);
        yield new ServedStorage(new LayeredStorage(base.storage(), layered.layer()), base.gate());
      }
    };
  }

  private ServedStorage serve(String name, Storage storage) {
    storages.put(name, storage);
    closer.add(() -> LOG.info("closing storage '{}'", name));
    return new ServedStorage(storage, storage.isReadOnly());
  }

  /** Opens a storage that is not replicated. */
  private Storage openAlone(String name, StorageConfig config, InstantSource clock) {
    return switch (config) {
      case DemoStorageConfig demo -> openDemo(name, demo, clock);
      case LayeredStorageConfig layered ->
          new LayeredStorage(openAlone(name, layered.base(), clock), layered.layer());
      default -> {
        Place place = place(name, config);
        yield closer.add(FileStorage.open(place.options(), place.disk(), clock));
      }
    };
  }

  /** Where the data of a file storage are. */
  private record Place(StorageOptions options, Disk disk) {}

  private Place place(String name, StorageConfig config) {
    return switch (config) {
      case FileStorageConfig file -> {
        RoleDecision.requireNoSecondary(name, new RoleFile(file.path()));
        yield new Place(options(file), new RealDisk());
      }
      case MappingStorageConfig mapping ->
          new Place(
              StorageOptions.of(Path.of(mapping.name())).withPack(true, false),
              new MemoryDisk(memoryLimit));
      case DemoStorageConfig demo -> throw new IllegalArgumentException(demo.name());
      case LayeredStorageConfig layered -> throw new IllegalArgumentException(layered.toString());
      case ZrsConfig zrs -> throw new IllegalArgumentException(zrs.base().path().toString());
    };
  }

  private Storage openDemo(String name, DemoStorageConfig config, InstantSource clock) {
    Storage base =
        openAlone(
            name,
            config.base().orElseGet(() -> new MappingStorageConfig(DemoStorageConfig.UNNAMED)),
            clock);
    Place changes = config.changes().map(each -> place(name, each)).orElseGet(this::temporaryPlace);
    boolean undo = config.changes().filter(FileStorageConfig.class::isInstance).isPresent();
    return closer.add(
        DemoStorage.open(config.name(), base, changes.options(), undo, changes.disk(), clock));
  }

  /** In files, as memory has no blobs. */
  private Place temporaryPlace() {
    Path folder = closer.add(new TemporaryFolder("zrs-changes-")).path();
    StorageOptions options =
        StorageOptions.of(folder.resolve("Data.fs"))
            .withBlobDirectory(folder.resolve("blobs"))
            .withPack(false, false);
    return new Place(options, new RealDisk());
  }

  private static String kind(StorageConfig config) {
    return switch (config) {
      case FileStorageConfig file -> "FileStorage";
      case MappingStorageConfig mapping -> "MappingStorage";
      case DemoStorageConfig demo -> "DemoStorage";
      case LayeredStorageConfig layered ->
          layered.layer() == RecordLayer.HEX ? "HexStorage" : "ZlibStorage";
      case ZrsConfig zrs -> "ZRS";
    };
  }

  /** Half of the heap, for all storages in memory together; the other half is for what we do. */
  private static long memoryLimit(ServerConfig config) {
    long storages = config.storages().stream().mapToLong(named -> inMemory(named.storage())).sum();
    return Runtime.getRuntime().maxMemory() / 2 / Math.max(1, storages);
  }

  private static long inMemory(StorageConfig config) {
    return switch (config) {
      case MappingStorageConfig mapping -> 1;
      case DemoStorageConfig demo ->
          Stream.concat(demo.base().stream(), demo.changes().stream())
              .mapToLong(Node::inMemory)
              .sum();
      case LayeredStorageConfig layered -> inMemory(layered.base());
      case FileStorageConfig file -> 0;
      case ZrsConfig zrs -> 0;
    };
  }

  private static StorageOptions options(FileStorageConfig config) {
    StorageOptions options =
        StorageOptions.of(config.path())
            .withReadOnly(config.readOnly())
            .withCreate(config.create())
            .withQuota(config.quota().orElse(StorageOptions.UNLIMITED))
            .withPack(config.packGc(), config.packKeepOld())
            .withPackRate(config.packRate());
    return config.blobDir().map(options::withBlobDirectory).orElse(options);
  }

  private ServedStorage openReplicated(String name, ZrsConfig config, InstantSource clock) {
    // The role comes first: a secondary treats its files in another way, from the opening on.
    RoleFile roleFile = new RoleFile(config.base().path());
    Role role = RoleDecision.decide(name, config.replicateFrom(), config.where(), roleFile);
    boolean follows = role instanceof Role.Secondary;
    StorageOptions options =
        options(config.base())
            .withFollower(follows)
            .withBlobAccess(
                follows && config.skipsBlobs() ? BlobAccess.READ_ONLY : BlobAccess.READ_WRITE);
    FileStorage storage = closer.add(FileStorage.open(options, new RealDisk(), clock));
    serve(name, storage);
    ReplicatedStorage all =
        closer.add(
            new ReplicatedStorage(
                name, storage, config, role, clock, new Clients(name), directory));
    replicated.put(name, all);
    return new ServedStorage(storage, all.writers());
  }

  /** The ZEO clients of the storage of this name. */
  private final class Clients implements ReplicatedStorage.Clients {
    private final String name;

    Clients(String name) {
      this.name = name;
    }

    @Override
    public boolean disconnect(String reason) {
      return server.closeClients(name, reason);
    }

    @Override
    public boolean disconnectReaders(String reason) {
      return server.closeReaders(name, reason);
    }
  }

  private static ZeoServerOptions zeoOptions(
      ZeoSection zeo, Optional<TlsContext> tls, InstantSource clock) {
    ZeoServerOptions options =
        ZeoServerOptions.DEFAULT
            .withReadOnly(zeo.readOnly())
            .withInvalidationQueueSize(zeo.invalidationQueueSize())
            .withMsgpack(zeo.msgpack())
            .withClientConflictResolution(zeo.clientConflictResolution())
            .withClock(clock);
    options = tls.map(options::withTls).orElse(options);
    options = zeo.invalidationAge().map(options::withInvalidationAge).orElse(options);
    return zeo.transactionTimeout().map(options::withTransactionTimeout).orElse(options);
  }

  /** Stops: no new commits, the secondaries may catch up, the storages are closed. */
  @Override
  public void close() {
    closer.close();
  }
}
