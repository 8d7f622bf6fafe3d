package dev.zrs.zeo;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.StorageOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;

/** A server of one storage, named {@code 1}, in a directory of its own. */
final class ServerHarness implements AutoCloseable {
  private final FileStorage storage;
  private final ZeoServer server;

  ServerHarness(Path directory, ZeoServerOptions options) {
    this(
        StorageOptions.of(directory.resolve("Data.fs"))
            .withBlobDirectory(directory.resolve("blobs")),
        options,
        false);
  }

  ServerHarness(StorageOptions storageOptions, ZeoServerOptions options, boolean readOnly) {
    this(storageOptions, options, WriteGate.fixed(readOnly));
  }

  ServerHarness(StorageOptions storageOptions, ZeoServerOptions options, WriteGate gate) {
    storage = FileStorage.open(storageOptions, new RealDisk(), InstantSource.system());
    server =
        new ZeoServer(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            Map.of("1", new ServedStorage(storage, gate)),
            options);
    server.start();
  }

  FileStorage storage() {
    return storage;
  }

  ZeoServer server() {
    return server;
  }

  int port() {
    return ((InetSocketAddress) server.address()).getPort();
  }

  @Override
  public void close() {
    server.close();
    storage.close();
  }
}
