package dev.zrs.replication;

import dev.zrs.storage.Tid;
import java.time.Instant;
import java.util.Optional;

/**
 * How a secondary is doing at one moment.
 *
 * @param state what it is doing
 * @param since since when
 * @param upstream whom it follows
 * @param received the last transaction that arrived whole and with the right checksum
 * @param applied the last one that is durable and visible here
 * @param receivedBytes bytes received since the start of the process
 * @param connections how often it has connected
 * @param lastError why the last connection ended or could not be made; empty if none has
 */
public record SecondaryStatus(
    SecondaryState state,
    Instant since,
    String upstream,
    Tid received,
    Tid applied,
    long receivedBytes,
    long connections,
    Optional<String> lastError) {}
