package dev.zrs.replication;

import dev.zrs.storage.Backlog;
import dev.zrs.storage.Tid;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How far a primary is with one secondary. What it has sent may still be on its way: the protocol
 * has no acknowledgement.
 *
 * @param address the secondary
 * @param protocol what it asked for; empty until it has
 * @param since when it connected
 * @param sent the last transaction that was sent, or where it asked to begin
 * @param left what is committed and not sent
 * @param lag from the commit of what was sent last to that of the last transaction; zero when level
 */
public record SenderStatus(
    String address,
    Optional<String> protocol,
    Instant since,
    Tid sent,
    Backlog left,
    Duration lag) {}
