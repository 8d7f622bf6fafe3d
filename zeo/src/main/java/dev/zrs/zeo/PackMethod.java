package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.NoSuchObjectException;
import dev.zrs.storage.PackOptions;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.math.BigDecimal;

/** The request to pack. It may come over a read-only connection: a pack is no write. */
final class PackMethod {
  private final StorageService service;
  private final ClientLog log;

  PackMethod(StorageService service, ClientLog log) {
    this.service = service;
    this.log = log;
  }

  /** Whether the client wants the reply when it is done, not at once. */
  static boolean waits(Request request) {
    request.expect(1, 2);
    return request.arguments().size() < 2 || Py.asBoolean(request.argument(1));
  }

  /** Packs, on the calling thread, and tells all clients of the new size. The reply's value. */
  Object pack(Request request) {
    double time =
        switch (request.argument(0)) {
          case Double seconds -> seconds;
          case Long seconds -> seconds.doubleValue();
          default -> throw request.wrongKind(0, "a number");
        };
    Tid packTime = PackOptions.tidOf(time);
    log.info("pack(time=%s) started...", describe(time));
    try {
      service.storage().pack(packTime);
    } catch (NoSuchObjectException e) {
      throw new RequestException(
          new RemoteError("builtins.KeyError", PyTuple.of((Object) e.oid().toBytes())));
    }
    log.info("pack(time=%s) complete", describe(time));
    long count = service.storage().objectCount();
    long size = service.storage().size();
    service.broadcaster().inform(new SharedMessage(to -> Messages.info(to, count, size)));
    return PyNone.NONE;
  }

  /** The same for a client that waits for nothing: what goes wrong is in the log. */
  void packUnwatched(Request request) {
    try {
      pack(request);
    } catch (RequestException | StorageException e) {
      ClientLog.LOG.error("({}) 'pack' failed: {}", log.label(), e.getMessage());
    }
  }

  private static String describe(double time) {
    return BigDecimal.valueOf(time).toPlainString();
  }
}
