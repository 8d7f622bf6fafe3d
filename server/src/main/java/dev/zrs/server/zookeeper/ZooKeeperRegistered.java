package dev.zrs.server.zookeeper;

import dev.zrs.server.directory.DirectoryStatus;
import dev.zrs.server.directory.Registered;
import dev.zrs.zookeeper.Registration;
import dev.zrs.zookeeper.ZooKeeperConnection;
import java.util.List;

/** A server that is kept registered in ZooKeeper. */
record ZooKeeperRegistered(ZooKeeperConnection connection, Registration registration)
    implements Registered {
  @Override
  public DirectoryStatus status() {
    return new DirectoryStatus(
        connection.connectionString(),
        registration.path(),
        List.of(registration.address().text()),
        connection.awaySince(),
        registration.problem());
  }

  @Override
  public void close() {
    registration.close();
  }
}
