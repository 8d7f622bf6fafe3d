package dev.zrs.server.config;

import dev.zrs.zconfig.Address;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What the {@code <zeo>} section and the command line say.
 *
 * @param address where ZEO clients connect to; a TCP address has a port, 0 for any free one
 * @param readOnly whether all writes are refused, whatever the storages allow
 * @param invalidationQueueSize how many transactions a returning client can be behind and still
 *     verify its cache quickly
 * @param invalidationAge seconds; how old a client may be for quick verification by iteration
 * @param transactionTimeout seconds a client may hold the commit lock; empty for ever
 * @param pidFile where to write the process id; empty for nowhere, which a read-only server has
 * @param registration what clients are told in ZooKeeper; empty for nothing
 * @param ssl if clients must use TLS
 */
public record ZeoSection(
    Address address,
    boolean readOnly,
    int invalidationQueueSize,
    OptionalDouble invalidationAge,
    OptionalDouble transactionTimeout,
    Optional<Path> pidFile,
    boolean clientConflictResolution,
    boolean msgpack,
    Optional<RegistrationConfig> registration,
    Optional<SslConfig> ssl) {}
