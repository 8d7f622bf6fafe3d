package dev.zrs.server.directory;

import dev.zrs.server.config.RegistrationConfig;
import dev.zrs.server.config.ZooKeeperConfig;
import java.net.InetSocketAddress;

/** Where servers are registered and looked up. Any thread may call. */
public interface ServerDirectory extends AutoCloseable {
  /**
   * Those that are registered below a path. Nothing is looked up before it is watched.
   *
   * @throws DirectoryException if the configuration can't be used
   */
  FoundUpstream upstream(ZooKeeperConfig ensemble, String path);

  /**
   * Registers a server that accepts connections by now.
   *
   * @param listening where it does
   * @throws DirectoryException if the configuration can't be used
   */
  Registered register(RegistrationConfig registration, InetSocketAddress listening);

  /** Ends the connections; what was registered or looked up through them is closed before. */
  @Override
  void close();
}
