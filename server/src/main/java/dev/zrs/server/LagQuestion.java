package dev.zrs.server;

import dev.zrs.storage.Tid;
import dev.zrs.zeo.ZeoClient;
import dev.zrs.zeo.ZeoException;
import dev.zrs.zeo.ZeoLimits;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Optional;

/**
 * Asks a primary, over ZEO, what a secondary lacks and since when. Tids carry the primary's clock,
 * and this machine's may differ: a time before the primary's last transaction is not believed, so
 * that a lag is never negative.
 *
 * <p>Only the first transaction that is missing is asked for. Python's server looks for it from the
 * nearer end of its file, and serves nobody else meanwhile: no matter for a secondary that follows,
 * some seconds for one that is far behind in a file of millions of transactions.
 *
 * @param primary where its ZEO server listens
 * @param limit for each step of the conversation
 */
record LagQuestion(SocketAddress primary, Duration limit) {
  /**
   * Compares one storage.
   *
   * @param primaryLast the last tid on the primary, asked for after {@code secondaryLast}
   * @param secondaryLast the last tid on the secondary
   * @param asked when the secondary said so, in seconds since 1970
   */
  Lag ask(String storage, Tid primaryLast, Tid secondaryLast, double asked) {
    int order = primaryLast.compareTo(secondaryLast);
    if (order == 0) {
      return new Lag.Level();
    }
    double last = primaryLast.toEpochSeconds();
    if (order < 0) {
      return new Lag.Ahead(secondaryLast.toEpochSeconds() - last);
    }
    double now = Math.max(asked, last);
    try (ZeoClient client = ZeoClient.connect(primary, limit, ZeoLimits.DEFAULT)) {
      client.register(storage, true);
      Optional<Tid> missing = client.firstTransaction(secondaryLast.next());
      return missing.isEmpty()
          ? new Lag.NothingToSend()
          : new Lag.Behind(Math.max(0, now - missing.get().toEpochSeconds()));
    } catch (ZeoException e) {
      return new Lag.Unsure(
          now - last, now - secondaryLast.toEpochSeconds(), String.valueOf(e.getMessage()));
    }
  }
}
