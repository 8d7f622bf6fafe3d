package dev.zrs.server.config;

import dev.zrs.zconfig.Address;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What the {@code <zeo>} section and the command line say.
 *
 * @param address where ZEO clients connect to; a TCP address has a port, 0 for any free one
 * @param readOnly whether all writes are refused, whatever the storages allow
 * @param invalidationQueueSize how many transactions a returning client can be behind and still
 *     verify its cache quickly
 * @param invalidationAge how old a returning client may be for what changed to be read from the
 *     file; empty for never
 * @param transactionTimeout how long a client may hold the commit lock; empty for ever
 * @param pidFile where to write the process id; empty for nowhere, which a read-only server has
 * @param msgpack whether clients are offered msgpack instead of pickles
 * @param clientConflictResolution whether clients resolve all conflicts
 * @param registration what clients are told in ZooKeeper; empty for nothing
 * @param ssl if clients must use TLS
 */
public record ZeoSection(
    Address address,
    boolean readOnly,
    int invalidationQueueSize,
    Optional<Duration> invalidationAge,
    Optional<Duration> transactionTimeout,
    Optional<Path> pidFile,
    boolean msgpack,
    boolean clientConflictResolution,
    Optional<RegistrationConfig> registration,
    Optional<SslConfig> ssl) {}
