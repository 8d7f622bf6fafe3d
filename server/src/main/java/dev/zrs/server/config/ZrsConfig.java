package dev.zrs.server.config;

import dev.zrs.zconfig.Address;
import java.time.Duration;
import java.util.Optional;

/**
 * A {@code <zrs>}: a storage that is replicated. One of the two addresses is there at least; both
 * make a link of a cascade.
 *
 * @param base the storage that holds the data
 * @param replicateTo where secondaries connect to
 * @param replicateFrom where the upstream listens; with {@code upstreams} a path there
 * @param registration what secondaries are told in ZooKeeper; empty if they know the address
 * @param upstreams where the paths of upstreams are looked up; empty if they have addresses
 * @param keepAliveDelay how often a secondary tells its upstream that it is there; zero for never
 * @param reconnectDelay the longest that a secondary waits before it connects again
 * @param holdWriters how long a secondary has clients that want to write wait once its upstream
 *     does not answer any more; zero for not at all
 * @param strictBlobs whether a secondary is stopped that needs a blob file which does not exist
 * @param skipsBlobs whether, as a secondary, it leaves the blob directory to its upstream
 * @param where the file and line of replicate-from, or of the section if it has none
 */
public record ZrsConfig(
    FileStorageConfig base,
    Optional<Address> replicateTo,
    Optional<Address> replicateFrom,
    Optional<RegistrationConfig> registration,
    Optional<ZooKeeperConfig> upstreams,
    Duration keepAliveDelay,
    Duration reconnectDelay,
    Duration holdWriters,
    boolean strictBlobs,
    boolean skipsBlobs,
    String where)
    implements StorageConfig {}
