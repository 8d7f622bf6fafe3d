package dev.zrs.zeo;

import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;

/**
 * What all connections of a server share.
 *
 * @param services the storages by name, in the order of the configuration
 * @param options the server's options
 * @param timers runs what is due at a time; its tasks must not wait
 * @param buffers bounds the memory of all connections together
 * @param refusals for lines about connections that don't get beyond their greeting
 */
record ServerContext(
    Map<String, StorageService> services,
    ZeoServerOptions options,
    ScheduledExecutorService timers,
    BufferMemory buffers,
    RefusalLog refusals) {}
