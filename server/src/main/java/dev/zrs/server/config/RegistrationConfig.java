package dev.zrs.server.config;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * What others are told in ZooKeeper.
 *
 * @param ensemble where
 * @param path the node below which to register
 * @param host what to tell as host; empty for the full name of this machine
 * @param port what to tell as port; empty for the one that the server listens at
 * @param createPath whether to make the node if it is missing
 */
public record RegistrationConfig(
    ZooKeeperConfig ensemble,
    String path,
    Optional<String> host,
    OptionalInt port,
    boolean createPath) {}
