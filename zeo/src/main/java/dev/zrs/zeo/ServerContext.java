package dev.zrs.zeo;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;

/**
 * What all connections of a server share.
 *
 * @param services the storages by name, in the order of the configuration
 * @param options the server's options
 * @param timers runs what is due at a time; its tasks must not wait
 * @param missingMethods the methods whose lack was logged
 */
record ServerContext(
    Map<String, StorageService> services,
    ZeoServerOptions options,
    ScheduledExecutorService timers,
    Set<String> missingMethods) {
  ServerContext(
      Map<String, StorageService> services,
      ZeoServerOptions options,
      ScheduledExecutorService timers) {
    this(services, options, timers, ConcurrentHashMap.newKeySet());
  }
}
